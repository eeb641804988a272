// What the hub answers, and what names a file on it.
#include "strata/io/hub.h"

#include "fuzz/target.h"
#include "strata/base/check.h"

namespace strata::fuzz {

// An input is a byte for what it is, then that.
void test_one(std::string_view input) {
  if (input.empty()) return;
  const std::string_view text = input.substr(1);
  switch (input.front() % 3) {
    case 0: {
      const io::HubPath path = io::parse_hub_url(std::string(text));
      expect(io::parse_hub_url(path.url()) == path, "a path is read as it is written");
      expect(!path.repository.empty() && !path.revision.empty(), "a path has a repository and a revision");
      break;
    }
    case 1: {
      const std::string next = io::next_page(text);
      expect(next.empty() || text.find("<" + next + ">") != std::string_view::npos, "the next page is in the link");
      break;
    }
    default:
      io::files_of_listing(text, "the listing");
  }
}

std::vector<std::string> seeds() {
  return {std::string("\0", 1) + "hf://datasets/o/n@refs/convert/parquet/d/0.parquet",
          std::string("\0", 1) + "hf://o/n@v1/a/b", std::string("\0", 1) + "hf://datasets/o/n/",
          std::string("\1") + R"(<https://h/1>; rel="prev", <https://h/2?a=b>; rel="next")",
          std::string("\2") + R"([{"type": "file", "path": "a/b", "size": 3}, {"type": "directory", "path": "a"}])"};
}

}  // namespace strata::fuzz
