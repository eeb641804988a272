#include "strata/io/hub.h"

#include "strata/base/check.h"
#include "support/bad_server.h"
#include "support/environment.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;
using strata::test::BadServer;
using strata::test::Environment;
using strata::test::error_of;
using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(HubPath, IsReadAndWritten) {
  struct Case {
    std::string text;
    HubPath path;
  };
  const std::vector<Case> cases{
      {"hf://datasets/o/n/a/b.parquet", {.is_dataset = true, .repository = "o/n", .path = "a/b.parquet"}},
      {"hf://o/n/spiece.model", {.repository = "o/n", .path = "spiece.model"}},
      {"hf://datasets/o/n", {.is_dataset = true, .repository = "o/n"}},
      {"hf://datasets/o/n@v1/a.json", {.is_dataset = true, .repository = "o/n", .revision = "v1", .path = "a.json"}},
      {"hf://datasets/o/n@refs/convert/parquet/d/0.parquet",
       {.is_dataset = true, .repository = "o/n", .revision = "refs/convert/parquet", .path = "d/0.parquet"}},
      {"hf://datasets/o/n@refs/pr/7", {.is_dataset = true, .repository = "o/n", .revision = "refs/pr/7"}},
      {"hf://datasets/o/n/a@b.json", {.is_dataset = true, .repository = "o/n", .path = "a@b.json"}},
  };
  for (const Case& tried : cases) {
    EXPECT_EQ(parse_hub_url(tried.text), tried.path) << tried.text;
    EXPECT_EQ(tried.path.url(), tried.text);
  }
  EXPECT_EQ(parse_hub_url("hf://datasets/o/n/a/").path, "a");
  for (const char* text : {"hf://", "hf://datasets", "hf://datasets/o", "hf://o", "hf://datasets//n", "hf://o//x",
                           "hf://datasets/o/@v1", "hf://datasets/o@v1/n", "hf:/o/n/x", ""}) {
    EXPECT_THROW(parse_hub_url(text), UsageError) << text;
  }
  for (const char* text : {"hf://o/n@/x", "hf://o/n@refs", "hf://o/n@refs//convert/parquet/x",
                           "hf://o/n@refs/heads/main", "hf://o/n@refs/convert//x", "hf://o/n@refs/pr/"}) {
    EXPECT_THROW(parse_hub_url(text), UsageError) << text;
  }
}

TEST(HubListing, TheNextPageIsInTheLink) {
  EXPECT_EQ(next_page(R"(<https://h/a?cursor=x>; rel="next")"), "https://h/a?cursor=x");
  EXPECT_EQ(next_page(R"(<https://h/1>; rel="prev", <https://h/2>; rel="next")"), "https://h/2");
  for (const char* link : {"", "<https://h/1>", R"(<https://h/1; rel="next")", R"(<https://h/1>; rel="prev")"}) {
    EXPECT_EQ(next_page(link), "") << link;
  }
}

TEST(HubListing, HasFilesAndFolders) {
  EXPECT_THAT(
      files_of_listing(R"([{"type": "file", "path": "a/b", "size": 3}, {"type": "directory", "path": "a"}])", "l"),
      ElementsAre("a/b"));
  for (const char* page : {"{}", "[1]", "[{}]", R"([{"type": "file", "path": 1}])", "[", ""}) {
    EXPECT_THAT(error_of([&] { files_of_listing(page, "the listing"); }), HasSubstr("the listing")) << page;
  }
}

const FetchOptions kImpatient{.attempts = 3, .first_wait = std::chrono::milliseconds(1)};

class Hub : public testing::Test {
 protected:
  Hub() {
    environment_.unset("HF_TOKEN");
    environment_.unset("HUGGING_FACE_HUB_TOKEN");
    environment_.unset("HF_TOKEN_PATH");
    environment_.set("HF_HOME", folder_ / "home");
    for (const char* owner : {"o", "gated", "busy", "full", "lost", "around", "other", "broken", "astray"}) put(owner);
    server_ = std::make_unique<BadServer>(root_, "hub_server.py");
    environment_.set("HF_ENDPOINT", server_->origin() + "/");
  }

  void put(const std::string& owner) {
    const fs::path top = root_ / "datasets" / owner / "n";
    fs::create_directories(top / "data/more");
    fs::create_directories(root_ / "models" / owner / "n");
    for (const char* name : {"README.md", "data/1.parquet", "data/0.parquet", "data/more/2 a.jsonl"}) {
      write_file(top / name, std::string(name) + std::string(3'000, '.'));
    }
    write_file(root_ / "models" / owner / "n/t.model", "a model");
  }

  std::vector<std::string> files(const std::string& url) { return list_hub_files(parse_hub_url(url), kImpatient); }

  std::string fetched(const std::string& url) {
    EXPECT_TRUE(fetch(url, folder_ / "got", kImpatient));
    return read_file(folder_ / "got");
  }

  std::string content(const std::string& name) const { return read_file(root_ / "datasets/o/n" / name); }

  TempFolder folder_;
  fs::path root_ = folder_ / "root";
  Environment environment_;
  std::unique_ptr<BadServer> server_;
};

TEST_F(Hub, ListsAllPages) {
  EXPECT_THAT(files("hf://datasets/o/n"),
              ElementsAre("README.md", "data/0.parquet", "data/1.parquet", "data/more/2 a.jsonl"));
  EXPECT_THAT(files("hf://datasets/o/n@v1/data"),
              ElementsAre("data/0.parquet", "data/1.parquet", "data/more/2 a.jsonl"));
  EXPECT_THAT(files("hf://datasets/o/n@refs/convert/parquet/data/more"), ElementsAre("data/more/2 a.jsonl"));
  EXPECT_THAT(files("hf://o/n"), ElementsAre("t.model"));
  EXPECT_THAT(server_->requests(), Each(EndsWith(" None")));
}

TEST_F(Hub, DownloadsFilesOfBothKinds) {
  EXPECT_EQ(fetched("hf://datasets/o/n/data/0.parquet"), content("data/0.parquet"));
  EXPECT_EQ(fetched("hf://datasets/o/n@v1/data/more/2 a.jsonl"), content("data/more/2 a.jsonl"));
  EXPECT_EQ(fetched("hf://o/n/t.model"), "a model");
  EXPECT_THAT(error_of([&] { fetch("hf://o/n", folder_ / "x", kImpatient); }),
              HasSubstr("names a repository, not a file"));
}

// It goes to the hub for listings and files alike, and never to where it redirects.
TEST_F(Hub, SendsTheTokenToTheHubAlone) {
  environment_.set("HF_TOKEN", " hf_right\n");
  EXPECT_EQ(files("hf://datasets/gated/n").size(), 4U);
  EXPECT_EQ(fetched("hf://datasets/gated/n/data/0.parquet").size(), 3'014U);
  EXPECT_EQ(fetched("hf://datasets/gated/n/README.md").size(), 3'009U);
  int large = 0;
  for (const std::string& request : server_->requests()) {
    const bool is_large = request.starts_with("lfs");
    EXPECT_THAT(request, EndsWith(is_large ? " None" : " Bearer hf_right"));
    large += is_large ? 1 : 0;
  }
  EXPECT_EQ(large, 1);
  fetch(server_->origin() + "/datasets/o/n/resolve/main/README.md", folder_ / "plain", kImpatient);
  EXPECT_THAT(server_->requests().back(), EndsWith(" None"));  // a URL that is not hf:// gets none
}

TEST_F(Hub, FindsTheTokenWhereOtherProgramsKeepIt) {
  fs::create_directories(folder_ / "home");
  write_file(folder_ / "home/token", "hf_right\n");
  EXPECT_EQ(files("hf://datasets/gated/n").size(), 4U);
  environment_.set("HF_TOKEN_PATH", folder_ / "other");
  write_file(folder_ / "other", "hf_wrong");
  EXPECT_THAT(error_of([&] { files("hf://datasets/gated/n"); }), HasSubstr("403"));
  environment_.set("HF_TOKEN", "hf_right");
  EXPECT_EQ(files("hf://datasets/gated/n").size(), 4U);
  environment_.set("HF_TOKEN", "hf_right\r\nX-Other: 1");
  EXPECT_THAT(error_of([&] { files("hf://datasets/gated/n"); }), HasSubstr("HF_TOKEN: is no token"));
  for (const char* name : {"HF_HOME", "HF_TOKEN_PATH", "HF_TOKEN"}) environment_.unset(name);
  fs::create_directories(folder_ / ".cache/huggingface");
  write_file(folder_ / ".cache/huggingface/token", "hf_right");
  environment_.unset("XDG_CACHE_HOME");
  environment_.set("HOME", folder_.path());
  EXPECT_EQ(files("hf://datasets/gated/n").size(), 4U);
}

TEST_F(Hub, WaitsForABusyServer) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(files("hf://datasets/busy/n").size(), 4U);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said,
              AllOf(HasSubstr("hf://datasets/busy/n: the server answered 429; again in"), HasSubstr("answered 503")));
  EXPECT_EQ(fetched("hf://datasets/busy/n/data/0.parquet"), content("data/0.parquet"));
  EXPECT_EQ(fetched("hf://datasets/full/n/README.md"), content("README.md"));
}

TEST_F(Hub, GoesOnWhereAConnectionWasLost) {
  EXPECT_EQ(fetched("hf://datasets/lost/n/README.md"), content("README.md"));
  EXPECT_EQ(fetched("hf://datasets/lost/n/data/1.parquet"), content("data/1.parquet"));
}

TEST_F(Hub, SaysInOneLineWhatItCannotGet) {
  const auto error = [&](const std::string& url) { return error_of([&] { fetch(url, folder_ / "x", kImpatient); }); };
  const std::string gated = error("hf://datasets/gated/n/README.md");
  EXPECT_EQ(gated, str("cannot download hf://datasets/gated/n/README.md: the server answered 401: there is no such "
                       "repository, or it is private or gated and needs a token in HF_TOKEN (",
                       server_->origin(), "/datasets/gated/n)"));
  environment_.set("HF_TOKEN", "hf_wrong");
  EXPECT_THAT(error("hf://datasets/gated/n/README.md"),
              HasSubstr("answered 403: the token of HF_TOKEN does not open it; a gated one is asked for on "));
  EXPECT_THAT(error("hf://datasets/gated/n/README.md"), Not(HasSubstr("hf_wrong")));
  environment_.unset("HF_TOKEN");
  EXPECT_THAT(error("hf://datasets/o/n/none.json"),
              HasSubstr("answered 404: the hub has no such repository, revision or file, or it is private"));
  EXPECT_THAT(error("hf://datasets/o/n@v9/README.md"), HasSubstr("404"));
  EXPECT_THAT(error("hf://o/none/t.model"), HasSubstr("404"));
  EXPECT_THAT(error_of([&] { files("hf://datasets/none/n"); }),
              HasSubstr("cannot list hf://datasets/none/n: the server"));
  environment_.set("HF_ENDPOINT", "huggingface.co");
  EXPECT_THAT(error("hf://o/n/t.model"), HasSubstr("HF_ENDPOINT=huggingface.co does not begin with https://"));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
  EXPECT_FALSE(fs::exists(folder_ / "x.part"));
}

TEST_F(Hub, BelievesNoListingThatContradictsItself) {
  EXPECT_THAT(error_of([&] { files("hf://datasets/around/n"); }), HasSubstr("its pages lead around"));
  EXPECT_THAT(error_of([&] { files("hf://datasets/other/n/data"); }),
              HasSubstr("elsewhere/a.jsonl, which is not in it"));
  EXPECT_THAT(error_of([&] { files("hf://datasets/broken/n"); }), HasSubstr("is no listing of files"));
  EXPECT_THAT(error_of([&] { files("hf://datasets/astray/n"); }),
              HasSubstr("its next page is \"file:///etc/hostname\""));
}

}  // namespace
}  // namespace strata::io
