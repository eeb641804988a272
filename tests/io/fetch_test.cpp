#include "strata/io/fetch.h"

#include "strata/base/check.h"
#include "strata/io/digest.h"
#include "support/bad_server.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using std::chrono::milliseconds;
using strata::test::BadServer;
using strata::test::read_file;
using strata::test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

const FetchOptions kImpatient{.attempts = 5, .first_wait = milliseconds(1)};

class Fetch : public testing::Test {
 protected:
  Fetch() {
    std::filesystem::create_directory(root_);
    for (int i = 0; i < 200'000; ++i) content_ += std::to_string(i * 7919 % 100'003) + "\n";
    test::write_file(root_ / "file", content_);
    server_ = std::make_unique<BadServer>(root_);
  }

  std::string fetched(const std::string& kind) {
    EXPECT_TRUE(fetch(server_->url(kind, "file"), folder_ / "got", kImpatient));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "got.part"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "got.part.etag"));
    return read_file(folder_ / "got");
  }

  std::string error_of(const std::string& url, const std::filesystem::path& path) {
    return test::error_of([&] { fetch(url, path, kImpatient); });
  }

  TempFolder folder_;
  std::filesystem::path root_ = folder_ / "root";
  std::string content_;
  std::unique_ptr<BadServer> server_;
};

TEST_F(Fetch, GetsAFileThroughARedirection) {
  EXPECT_EQ(fetched("good"), content_);
  EXPECT_EQ(fetched("moved"), content_);
}

TEST_F(Fetch, GoesOnWhereTheConnectionWasCut) {
  EXPECT_EQ(fetched("cut"), content_);
  const auto third = std::to_string(content_.size() / 3);
  EXPECT_THAT(server_->requests(),
              ElementsAre("/cut/file None", "/cut/file bytes=" + third + "-", HasSubstr("/cut/file bytes=")));
}

TEST_F(Fetch, WaitsForABusyServer) {
  EXPECT_EQ(fetched("busy"), content_);
  EXPECT_EQ(server_->requests().size(), 4U);
}

// Two halves of different files must never become one.
TEST_F(Fetch, BeginsAgainWhenTheFileChangedOrRangesAreIgnored) {
  EXPECT_EQ(fetched("changed"), std::string(content_.rbegin(), content_.rend()));
  EXPECT_EQ(fetched("whole"), content_);
}

TEST_F(Fetch, ALaterCallGoesOn) {
  test::write_file(folder_ / "got.part", content_.substr(0, 1'000));
  test::write_file(folder_ / "got.part.etag", "\"v1\"");
  EXPECT_EQ(fetched("good"), content_);
  EXPECT_THAT(server_->requests(), ElementsAre("/good/file bytes=1000-"));
  test::write_file(folder_ / "got.part", "of nobody knows what");
  EXPECT_EQ(fetched("good"), content_);
  test::write_file(folder_ / "got.part", content_);  // stopped after the last byte
  test::write_file(folder_ / "got.part.etag", "\"v1\"");
  EXPECT_TRUE(fetched("good") == content_);
}

TEST_F(Fetch, AnEmptyFileIsAFile) {
  test::write_file(root_ / "empty", "");
  test::write_file(folder_ / "got.part", "of nobody knows what");
  EXPECT_TRUE(fetch(server_->url("good", "empty"), folder_ / "got", kImpatient));
  EXPECT_EQ(read_file(folder_ / "got"), "");
}

TEST_F(Fetch, SaysWhatItCannotGet) {
  EXPECT_THAT(error_of(server_->url("gone", "file"), folder_ / "got"),
              HasSubstr("/gone/file: the server answered 404"));
  EXPECT_EQ(server_->requests().size(), 1U);
  EXPECT_THAT(error_of(server_->url("down", "file"), folder_ / "got"), HasSubstr("answered 500 (after 5 attempts)"));
  EXPECT_THAT(error_of("http://127.0.0.1:1/file", folder_ / "got"), HasSubstr("(after 5 attempts)"));
  EXPECT_THAT(error_of(server_->url("good", "file"), folder_ / "no_such_folder/got"), HasSubstr("cannot write"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "got"));
}

// Hugging Face describes a file on the answer that redirects to it, others on the file's own.
TEST_F(Fetch, BelievesNoFileThatTheServerDescribesOtherwise) {
  test::write_file(folder_ / "damaged", "x" + content_.substr(1));
  for (const std::string form : {"repr", "digest", "md5", "linked"}) {
    SCOPED_TRACE(form);
    EXPECT_TRUE(fetched(form + "-right") == content_);  // not EXPECT_EQ: it would lay out all lines that differ
    EXPECT_TRUE(fetched(form + "-once") == content_);
    std::filesystem::remove(folder_ / "got");
    const std::string error = error_of(server_->url(form + "-wrong", "file"), folder_ / "got");
    const std::string algorithm = form == "md5" ? "md5" : "sha256";
    const auto digest = [&](const char* file) { return digest_of_file(folder_ / file, algorithm).hex; };
    EXPECT_EQ(error, str("cannot download ", server_->url(form + "-wrong", "file"), ": what came has the ", algorithm,
                         " ", digest("damaged"), ", the server's file ", digest("root/file"), " (after 5 attempts)"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "got"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "got.part"));
  }
  const auto size = content_.size();
  EXPECT_THAT(error_of(server_->url("size-wrong", "file"), folder_ / "got"),
              HasSubstr(str("what came has ", size, " bytes, the server's file ", size - 1, " (after 5")));
}

// A digest stands for the whole file, whatever part of it came last; only Content-MD5 is the part's.
TEST_F(Fetch, ChecksAResumedFileAsAWhole) {
  for (const std::string form : {"repr", "digest", "md5"}) EXPECT_TRUE(fetched(form + "-cut") == content_);

  test::write_file(folder_ / "got.part", std::string(1'000, '?'));
  test::write_file(folder_ / "got.part.etag", "\"v1\"");
  EXPECT_TRUE(fetched("repr-right") == content_);
  const auto requests = server_->requests();
  EXPECT_THAT(std::vector(requests.end() - 2, requests.end()),
              ElementsAre("/repr-right/file bytes=1000-", "/repr-right/file None"));
}

TEST_F(Fetch, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(fetch(server_->url("good", "file"), folder_ / "got", kImpatient, stop.get_token()));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "got"));
}

}  // namespace
}  // namespace strata::io
