// ARC, the questions that neither retrieval nor word co-occurrence answers.
#include "eval/arc.h"

namespace strata::eval {
namespace {

class ArcChallenge final : public Arc {
 protected:
  std::vector<std::string> names() const override { return {"arc_challenge"}; }
};

}  // namespace
STRATA_REGISTER_TASK("arc_challenge", ArcChallenge)
}  // namespace strata::eval
