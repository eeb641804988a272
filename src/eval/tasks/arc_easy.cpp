// ARC, the questions that simple methods answer right.
#include "eval/arc.h"

namespace strata::eval {
namespace {

class ArcEasy final : public Arc {
 protected:
  std::vector<std::string> names() const override { return {"arc_easy"}; }
};

}  // namespace
STRATA_REGISTER_TASK("arc_easy", ArcEasy)
}  // namespace strata::eval
