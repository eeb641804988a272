#include "cuda_on_host/emulator/emulation.h"

namespace strata::test {
namespace {

thread_local Emulation current_emulation;

}  // namespace

EmulationScope::EmulationScope(const Emulation& emulation) : outer_(current_emulation) {
  current_emulation = emulation;
}
EmulationScope::~EmulationScope() { current_emulation = outer_; }
const Emulation& EmulationScope::current() { return current_emulation; }

}  // namespace strata::test
