// The registry holds what src/norm/schemes/ holds: a scheme's file is all there is to it, and none gets lost in
// linking.
#include <set>

#include "strata/norm/make.h"
#include "support/places.h"

namespace strata::norm {
namespace {

std::vector<std::string> file_names() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() / "src/norm/schemes")) {
    names.insert(entry.path().stem().string());
  }
  return {names.begin(), names.end()};
}

class Empty final : public Scheme {
 public:
  Sublayer sublayer(const Site&) const override { return {}; }
};

TEST(Registry, HasOneSchemePerFileCalledAsItsFile) {
  EXPECT_EQ(scheme_registry().names(), file_names());
  EXPECT_FALSE(file_names().empty());
}

TEST(Registry, KnowsWhereEachSchemeIsFromAndWhatItDoes) {
  const Table table = scheme_table();
  for (const std::vector<std::string>& row : table.rows()) {
    EXPECT_NE(row[1], "") << row[0];
    EXPECT_THAT(row[2], testing::HasSubstr("arXiv")) << row[0];
  }
}

TEST(Registry, RefusesANameThatIsTaken) {
  SchemeRegistry registry("scheme");
  registry.add("empty", &make_registered<Empty>);
  EXPECT_THAT([&] { registry.add("empty", &make_registered<Empty>); },
              testing::ThrowsMessage<std::logic_error>("scheme registered twice: empty"));
  EXPECT_THAT(registry.names(), testing::ElementsAre("empty"));
}

TEST(Registry, DoesNotKnowOtherNames) { EXPECT_EQ(scheme_registry().find("empty"), nullptr); }

}  // namespace
}  // namespace strata::norm
