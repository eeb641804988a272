#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "strata/workers/store.h"

namespace strata::workers {

/// Opens what a Store keeps shut, for c10d's own process groups.
struct StoreConnection {
  /// The c10d store behind `store`, over a connection of its own, under the same prefix.
  static c10::intrusive_ptr<c10d::Store> of(const Store& store, Store::Seconds timeout);
};

}  // namespace strata::workers
