#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "strata/io/state_dict.h"

namespace strata::io {

struct PickleValue;
using PickleRef = PickleValue*;

/// What a state dict's pickle is made of.
struct PickleValue {
  enum class Kind { kNone, kBool, kNumber, kReal, kText, kTuple, kList, kDict, kGlobal, kStorage, kTensor };

  Kind kind = Kind::kNone;
  int64_t number = 0;                                         // of a bool too
  std::string text = {};                                      // a global's is "module name"
  std::vector<PickleRef> items = {};                          // of a tuple or list
  std::vector<std::pair<PickleRef, PickleRef>> entries = {};  // of a dict
  StoredTensor tensor = {};                                   // of a tensor; of a storage, what is known of it
};

/// Owns all values of a pickle: they may refer to each other in circles.
using PickleArena = std::deque<PickleValue>;

/// Runs a pickle's instructions on such values. Throws Error, beginning with `where`, for any other instruction.
PickleRef run_pickle(std::string_view pickle, const std::string& where, PickleArena& arena);

/// What calling a global with these arguments gives. Throws Error for one that no state dict calls.
PickleValue call_global(const PickleValue& global, const PickleValue& arguments, const std::string& where);

/// What a persistent id stands for: ('storage', type, key, location, size).
PickleValue storage_of(const PickleValue& id, const std::string& where);

}  // namespace strata::io
