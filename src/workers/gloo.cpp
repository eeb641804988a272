// The only source that sees Gloo.
#include "strata/workers/gloo.h"

#include <dlfcn.h>
#include <gloo/allgather.h>
#include <gloo/allgatherv.h>
#include <gloo/allreduce.h>
#include <gloo/alltoall.h>
#include <gloo/alltoallv.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>
#include <net/if.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <csignal>

#include "durations.h"
#include "job_queue.h"
#include "local_address.h"
#include "strata/base/check.h"
#include "strata/base/threads.h"
#include "tree_sum.h"

namespace strata::workers {
namespace {

// Gloo's messages begin with the place in its sources: "[/build/.../pair.cc:589] Connection closed by peer [...]".
std::string reason(const std::exception& failure) {
  const std::string_view text = failure.what();
  const size_t place = text.starts_with('[') ? text.find("] ") : std::string_view::npos;
  return std::string(place == std::string_view::npos ? text : text.substr(place + 2));
}

// Where Gloo's workers leave their addresses for each other.
class AddressBook final : public gloo::rendezvous::Store {
 public:
  AddressBook(workers::Store store, std::chrono::milliseconds timeout) : store_(std::move(store)), timeout_(timeout) {}

  void set(const std::string& key, const std::vector<char>& data) override {
    store_.set(key, std::string(data.begin(), data.end()));
  }
  std::vector<char> get(const std::string& key) override {
    const auto value = store_.wait_for(key, timeout_);
    STRATA_CHECK(value.has_value(), "worker ", key, " left no address within ",
                 std::chrono::duration<double>(timeout_).count(), " s");
    return {value->begin(), value->end()};
  }
  void wait(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) get(key);
  }
  void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds&) override { wait(keys); }

 private:
  workers::Store store_;
  std::chrono::milliseconds timeout_;
};

std::shared_ptr<gloo::transport::Device> device_of(const workers::Store& store, const std::string& interface) {
  STRATA_CHECK(interface.empty() || if_nametoindex(interface.c_str()) != 0, "parallel.interface: cannot use ",
               interface, ": this host has no such network interface");
  gloo::transport::tcp::attr place;
  if (interface.empty()) {
    place.hostname = address_towards(store.host(), store.port());
  } else {
    place.iface = interface;
  }
  try {
    return gloo::transport::tcp::CreateDevice(place);
  } catch (const std::exception& failure) {
    throw Error(strata::str("parallel.interface: cannot use ", interface.empty() ? place.hostname : interface, ": ",
                            reason(failure)));
  }
}

class Pending final : public Work {
 public:
  Pending(std::future<void> future, std::atomic<int64_t>& waited, Watcher* watcher)
      : future_(std::move(future)), waited_(waited), watcher_(watcher) {}
  void wait() override {
    const Stopwatch watch(waited_);
    const Waiting waiting(watcher_);
    future_.get();
  }

 private:
  std::future<void> future_;
  std::atomic<int64_t>& waited_;
  Watcher* watcher_;
};

// The collectives, one at a time. Shared with the jobs that are under way.
class Mesh {
 public:
  Mesh(const Store& store, const GlooOptions& options)
      : context_(std::make_shared<gloo::rendezvous::Context>(options.rank, options.world_size)) {
    const auto timeout = milliseconds(options.timeout);
    context_->setTimeout(timeout);
    AddressBook addresses(store, timeout);
    auto device = device_of(store, options.interface);
    try {
      context_->connectFullMesh(addresses, device);
      barrier();  // one that left now would break off what others have not yet done to meet it
    } catch (const Error&) {
      throw;
    } catch (const std::exception& failure) {
      throw Error(strata::str("gloo: worker ", options.rank, " cannot connect to the others from ", device->str(), ": ",
                              reason(failure)));
    }
  }

  // Collectives of the others that need this worker fail; those of this worker may wait until their timeout.
  void close() { context_->closeConnections(); }

  void all_reduce(const at::Tensor& values, SumOrder order) {
    if (order == SumOrder::kFast) return all_reduce_as_gloo_does(values);
    const at::Tensor all = scratch(values.numel() * context_->size, values.scalar_type());
    all_gather(all, values);
    tree_sum(values, all, context_->size);
  }

  void reduce_scatter(const at::Tensor& slice, const at::Tensor& values, const SliceSizes& sizes) {
    const at::Tensor received = scratch(slice.numel() * context_->size, values.scalar_type());
    if (are_equal(sizes)) {
      all_to_all(received, values);
    } else {
      send_slices(received, values, sizes);
    }
    tree_sum(slice, received, context_->size);
  }

  void all_gather(const at::Tensor& values, const at::Tensor& slice) {
    all_gather(values, slice, equal_sizes(context_->size, slice.numel()));
  }

  void all_gather(const at::Tensor& values, const at::Tensor& slice, const SliceSizes& sizes) {
    const at::Tensor place = slice_of(values, sizes, context_->rank);
    if (place.const_data_ptr() != slice.const_data_ptr()) place.copy_(slice);
    if (are_equal(sizes)) {
      gloo::AllgatherOptions options(context_);
      options.setOutput(bytes(values), values.nbytes());
      return gloo::allgather(options);
    }
    gloo::AllgathervOptions options(context_);
    std::vector<size_t> lengths;
    for (const int64_t size : sizes) lengths.push_back(static_cast<size_t>(size) * values.element_size());
    options.setOutput(bytes(values), lengths);
    gloo::allgatherv(options);
  }

  void all_to_all(const at::Tensor& received, const at::Tensor& sent) {
    gloo::AlltoallOptions options(context_);
    options.setInput(bytes(sent), sent.nbytes());
    options.setOutput(bytes(received), received.nbytes());
    gloo::alltoall(options);
  }

  // Each rank gets its slice of everyone's values.
  void send_slices(const at::Tensor& received, const at::Tensor& values, const SliceSizes& sizes) {
    const auto element = static_cast<int64_t>(values.element_size());
    std::vector<int64_t> sent;
    for (const int64_t size : sizes) sent.push_back(size * element);
    gloo::AlltoallvOptions options(context_);
    options.setInput(bytes(values), sent);
    options.setOutput(bytes(received), std::vector<int64_t>(sizes.size(), sent[static_cast<size_t>(context_->rank)]));
    gloo::alltoallv(options);
  }

  void broadcast(const at::Tensor& values, int root) {
    gloo::BroadcastOptions options(context_);
    options.setOutput(bytes(values), values.nbytes());
    options.setRoot(root);
    gloo::broadcast(options);
  }

  void barrier() {
    gloo::BarrierOptions options(context_);
    gloo::barrier(options);
  }

  std::atomic<int64_t> busy = 0, waited = 0;  // nanoseconds

 private:
  static char* bytes(const at::Tensor& tensor) { return static_cast<char*>(tensor.mutable_data_ptr()); }

  at::Tensor scratch(int64_t count, at::ScalarType dtype) {
    const auto needed = count * static_cast<int64_t>(at::elementSize(dtype));
    if (!scratch_.defined() || scratch_.numel() < needed) scratch_ = at::empty({needed}, at::kByte);
    return scratch_.narrow(0, 0, needed).view(dtype);
  }

  void all_reduce_as_gloo_does(const at::Tensor& values) {
    gloo::AllreduceOptions options(context_);
    const auto add = [dtype = values.scalar_type()](void* sum, const void* a, const void* b, size_t count) {
      const auto tensor = [&](const void* data) {
        return at::from_blob(const_cast<void*>(data), {static_cast<int64_t>(count)}, dtype);
      };
      at::Tensor result = tensor(sum);
      at::add_out(result, tensor(a), tensor(b));
    };
    options.setReduceFunction(add);
    const auto count = static_cast<size_t>(values.numel());
    switch (values.element_size()) {  // all that Gloo wants to know of the type
      case 2:
        options.setOutput(static_cast<uint16_t*>(values.mutable_data_ptr()), count);
        break;
      case 4:
        options.setOutput(static_cast<uint32_t*>(values.mutable_data_ptr()), count);
        break;
      default:
        options.setOutput(static_cast<uint64_t*>(values.mutable_data_ptr()), count);
    }
    gloo::allreduce(options);
  }

  std::shared_ptr<gloo::rendezvous::Context> context_;
  at::Tensor scratch_;
};

class Gloo final : public Communicator {
 public:
  Gloo(const Store& store, const GlooOptions& options)
      : Communicator(options.rank, options.world_size), mesh_(std::make_shared<Mesh>(store, options)) {
    queue_.add([] { work_alone(); });  // the others compute meanwhile
  }
  ~Gloo() override { mesh_->close(); }

  const char* backend() const override { return "gloo"; }

  CommunicationTime time() const override {
    return {.busy_seconds = seconds_of(mesh_->busy), .waited_seconds = seconds_of(mesh_->waited)};
  }

  Handle all_reduce(const at::Tensor& values, SumOrder order) override {
    return later([=](Mesh& mesh) { mesh.all_reduce(values, order); });
  }
  Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, const SliceSizes& sizes, SumOrder) override {
    return later([=](Mesh& mesh) { mesh.reduce_scatter(slice, values, sizes); });
  }
  Handle all_gather(const at::Tensor& values, const at::Tensor& slice, const SliceSizes& sizes) override {
    return later([=](Mesh& mesh) { mesh.all_gather(values, slice, sizes); });
  }
  Handle all_to_all(const at::Tensor& received, const at::Tensor& sent) override {
    return later([=](Mesh& mesh) { mesh.all_to_all(received, sent); });
  }
  Handle broadcast(const at::Tensor& values, int root) override {
    return later([=](Mesh& mesh) { mesh.broadcast(values, root); });
  }
  void barrier() override {
    later([](Mesh& mesh) { mesh.barrier(); })->wait();
  }

 private:
  Handle later(std::function<void(Mesh&)> collective) {
    const auto job = [mesh = mesh_, collective = std::move(collective)] {
      const Stopwatch watch(mesh->busy);
      try {
        collective(*mesh);
      } catch (const gloo::Exception& failure) {
        throw Error(strata::str("lost a worker: ", reason(failure)));
      }
    };
    return std::make_unique<Pending>(queue_.add(job), mesh_->waited, watcher());
  }

  std::shared_ptr<Mesh> mesh_;
  JobQueue queue_;
};

}  // namespace

std::string gloo_library() {
  const auto here = &gloo::transport::tcp::CreateDevice;
  Dl_info info{};
  return dladdr(std::bit_cast<void*>(here), &info) != 0 ? info.dli_fname : "nowhere";
}

void check_gloo() {
  const std::string library = gloo_library();
  STRATA_CHECK(library.find("libgloo") != std::string::npos, "Gloo is found in ", library,
               ", not in libgloo.so: link libgloo before libtorch_cpu");
}

std::unique_ptr<Communicator> connect_gloo(const Store& store, const GlooOptions& options) {
  check_gloo();
  std::signal(SIGPIPE, SIG_IGN);  // Gloo writes to workers that may be gone: that is an error, not the end
  return std::make_unique<Gloo>(store, options);
}

}  // namespace strata::workers
