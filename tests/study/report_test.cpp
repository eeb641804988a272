#include "strata/study/report.h"

#include <gmock/gmock.h>

#include "strata/base/text.h"
#include "strata/study/index.h"
#include "support/temp_folder.h"

namespace strata::study {
namespace {

using testing::HasSubstr;
using testing::Not;

// Other data is another arm as much as another scheme is; where shards are kept is not.
TEST(Report, NamesTheKeysThatDiffer) {
  const test::TempFolder folder;
  const auto config = [](const char* letter) {
    return str("data: {train: [", letter, ".txt], cache: ", letter, "}\nmodel: {layers: 2}\n");
  };
  for (const char* letter : {"a", "b"}) test::write_file(folder / letter / "config.yaml", config(letter));
  const StudyIndex index = index_of_folders({folder / "a", folder / "b"});
  write_report({.arms = read_groups(index.arms)}, {.page = folder / "page.html", .title = "two"});
  const std::string page = test::read_file(folder / "page.html");
  const std::string table = page.substr(0, page.find("</table>"));
  EXPECT_THAT(table, HasSubstr("<th>data.train</th>"));
  EXPECT_THAT(table, HasSubstr("a.txt"));
  EXPECT_THAT(table, HasSubstr("b.txt"));
  EXPECT_THAT(table, Not(HasSubstr("data.cache")));
  EXPECT_THAT(table, Not(HasSubstr("model.layers")));
}

}  // namespace
}  // namespace strata::study
