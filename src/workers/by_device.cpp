#include "strata/workers/by_device.h"

#include "strata/base/check.h"

namespace strata::workers {
namespace {

class ByDevice final : public Communicator {
 public:
  ByDevice(std::unique_ptr<Communicator> for_host, std::unique_ptr<Communicator> for_devices)
      : Communicator(for_host->rank(), for_host->world_size()),
        for_devices_(std::move(for_devices)),
        for_host_(std::move(for_host)) {
    STRATA_ASSERT(for_devices_->rank() == rank() && for_devices_->world_size() == world_size());
  }

  const char* backend() const override { return for_devices_->backend(); }

  Handle all_reduce(const at::Tensor& values, SumOrder order) override { return of(values).all_reduce(values, order); }
  Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, const SliceSizes& sizes,
                        SumOrder order) override {
    return of(values).reduce_scatter(slice, values, sizes, order);
  }
  Handle all_gather(const at::Tensor& values, const at::Tensor& slice, const SliceSizes& sizes) override {
    return of(values).all_gather(values, slice, sizes);
  }
  Handle all_to_all(const at::Tensor& received, const at::Tensor& sent) override {
    return of(received).all_to_all(received, sent);
  }
  Handle broadcast(const at::Tensor& values, int root) override { return of(values).broadcast(values, root); }
  void barrier() override { for_host_->barrier(); }

  CommunicationTime time() const override {
    const CommunicationTime host = for_host_->time();
    const CommunicationTime devices = for_devices_->time();
    return {.busy_seconds = host.busy_seconds + devices.busy_seconds,
            .waited_seconds = host.waited_seconds + devices.waited_seconds};
  }

  void set_watcher(Watcher* watcher) override {
    Communicator::set_watcher(watcher);
    for_host_->set_watcher(watcher);
    for_devices_->set_watcher(watcher);
  }

 private:
  Communicator& of(const at::Tensor& tensor) const { return tensor.is_cpu() ? *for_host_ : *for_devices_; }

  // The host's ends first: where this worker fails, the others learn of it at once, whatever the devices are at.
  std::unique_ptr<Communicator> for_devices_;
  std::unique_ptr<Communicator> for_host_;
};

}  // namespace

std::unique_ptr<Communicator> by_device(std::unique_ptr<Communicator> for_host,
                                        std::unique_ptr<Communicator> for_devices) {
  return std::make_unique<ByDevice>(std::move(for_host), std::move(for_devices));
}

}  // namespace strata::workers
