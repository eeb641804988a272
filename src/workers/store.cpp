#include "strata/workers/store.h"

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <cstdlib>
#include <mutex>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "workers/durations.h"
#include "workers/local_address.h"
#include "workers/store_connection.h"

namespace strata::workers {
namespace {

// c10d logs, with stack traces, what it also throws; TORCH_CPP_LOG_LEVEL brings that back.
void quieten_c10d() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr) return c10::initLogging();
    FLAGS_caffe2_log_level = c10::GLOG_FATAL;
  });
}

// c10d's messages carry a stack trace behind their first line.
std::string first_line(const std::exception& failure) {
  const std::string text = failure.what();
  return text.substr(0, text.find('\n'));
}

}  // namespace

struct Store::Connection {
  c10::intrusive_ptr<c10d::Store> store;
  std::string host;
  uint16_t port;

  auto guarded(const auto& operation) const {
    try {
      return operation(*store);
    } catch (const std::exception& failure) {
      throw Error(strata::str("the workers' store at ", host, ":", port, ": ", first_line(failure)));
    }
  }
};

Store::Store(std::shared_ptr<const Connection> connection, std::string prefix)
    : connection_(std::move(connection)), prefix_(std::move(prefix)) {}

Store Store::serve(uint16_t port, const std::string& host) {
  quieten_c10d();
  c10d::TCPStoreOptions options;
  options.port = port;
  options.isServer = true;
  options.waitWorkers = false;
  std::string self = "127.0.0.1";
  try {
    if (const auto listener = bind_to_loopback(host, port)) {  // c10d's own would listen on every interface
      options.masterListenFd = listener->socket;
      options.port = listener->port;
      self = listener->host;
    }
    auto store = c10::make_intrusive<c10d::TCPStore>(self, options);
    const uint16_t served = store->getPort();
    return {std::make_shared<Connection>(Connection{std::move(store), self, served}), ""};
  } catch (const std::exception& failure) {
    throw Error(strata::str("cannot serve the workers' store at port ", port, ": ", first_line(failure)));
  }
}

Store Store::connect(const std::string& host, uint16_t port, Seconds timeout) {
  quieten_c10d();
  c10d::TCPStoreOptions options;
  options.port = port;
  options.waitWorkers = false;
  options.timeout = milliseconds(timeout);
  check_host(host);
  const log::Wait wait(strata::str("the workers' store at ", host, ":", port));
  try {
    return {std::make_shared<Connection>(Connection{c10::make_intrusive<c10d::TCPStore>(host, options), host, port}),
            ""};
  } catch (const std::exception& failure) {
    throw Error(strata::str("cannot reach the workers' store at ", host, ":", port, " within ", timeout.count(),
                            " s: ", first_line(failure)));
  }
}

void Store::set(const std::string& key, const std::string& value) const {
  connection_->guarded([&](c10d::Store& store) { store.set(prefix_ + key, value); });
}

std::optional<std::string> Store::wait_for(const std::string& key, Seconds timeout) const {
  return connection_->guarded([&](c10d::Store& store) -> std::optional<std::string> {
    try {
      store.wait({prefix_ + key}, milliseconds(timeout));
    } catch (const c10::DistStoreError&) {
      return std::nullopt;
    }
    return store.get_to_str(prefix_ + key);
  });
}

std::optional<std::string> Store::find(const std::string& key) const {
  return connection_->guarded([&](c10d::Store& store) -> std::optional<std::string> {
    if (!store.check({prefix_ + key})) return std::nullopt;
    return store.get_to_str(prefix_ + key);
  });
}

std::vector<std::string> Store::get(const std::vector<std::string>& keys) const {
  std::vector<std::string> full;
  for (const std::string& key : keys) full.push_back(prefix_ + key);
  return connection_->guarded([&](c10d::Store& store) {
    std::vector<std::string> values;
    for (const auto& value : store.multiGet(full)) values.emplace_back(value.begin(), value.end());
    return values;
  });
}

int64_t Store::add(const std::string& key, int64_t amount) const {
  return connection_->guarded([&](c10d::Store& store) { return store.add(prefix_ + key, amount); });
}

Store Store::under(const std::string& prefix) const { return {connection_, prefix_ + prefix}; }

Store Store::another_connection() const {
  return connection_->guarded([&](c10d::Store& store) {
    return Store(std::make_shared<Connection>(Connection{store.clone(), connection_->host, connection_->port}),
                 prefix_);
  });
}

const std::string& Store::host() const { return connection_->host; }

uint16_t Store::port() const { return connection_->port; }

c10::intrusive_ptr<c10d::Store> StoreConnection::of(const Store& store, Store::Seconds timeout) {
  auto connection = store.connection_->guarded([](c10d::Store& shared) { return shared.clone(); });
  connection->setTimeout(milliseconds(timeout));
  return c10::make_intrusive<c10d::PrefixStore>(store.prefix_, std::move(connection));
}

}  // namespace strata::workers
