#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "strata/train/checkpoint/files.h"
#include "strata/workers/store.h"

namespace strata::train {

/// The workers that save checkpoints together, each from a thread of its own, while training goes on: they talk through
/// the store. Every worker saves the same checkpoints in the same order.
class SaveGroup {
 public:
  /// One worker, which has nobody to talk to.
  SaveGroup() = default;
  /// `store`: a connection that nobody else waits on.
  SaveGroup(int rank, int world_size, const workers::Store& store, workers::Store::Seconds timeout)
      : rank_(rank), world_size_(world_size), store_(store.under("checkpoint/")), timeout_(timeout) {}

  /// From any thread: waits for the others end now, with an Error.
  void give_up() { *has_given_up_ = true; }

  int rank() const { return rank_; }
  int world_size() const { return world_size_; }
  bool is_first() const { return rank_ == 0; }

  /// The next checkpoint. Comes before anything of what follows.
  void begin() { ++number_; }

  /// First worker: the folder is there, or it failed to be (`failure`, else empty).
  void opened(const std::string& failure) const { publish("opened", failure); }
  /// Others: wait for that. Throws Error for the failure.
  void wait_until_opened() const { throw_if_failed(wait_for("opened")); }

  /// Others: this worker's files are whole.
  void add_files(const Manifest& files) const { publish(key_of(rank_), to_json(files)); }
  void failed(const std::string& failure) const { publish(key_of(rank_), kFailed + failure); }
  /// First worker: waits for the others' files. Throws Error, naming the worker, where one failed or says nothing.
  Manifest files_of_others() const;

  /// First worker: the checkpoint is there, or not (`failure`).
  void ended(const std::string& failure) const { publish("ended", failure); }
  /// Others: wait for that. Throws Error for the failure.
  void wait_until_ended() const { throw_if_failed(wait_for("ended")); }

 private:
  static constexpr const char* kFailed = "failed: ";

  static std::string key_of(int rank) { return "worker " + std::to_string(rank); }
  static void throw_if_failed(const std::string& failure);
  void publish(const std::string& key, const std::string& value) const;
  std::string wait_for(const std::string& key) const;

  int rank_ = 0;
  int world_size_ = 1;
  int64_t number_ = 0;
  std::optional<workers::Store> store_;
  std::shared_ptr<std::atomic<bool>> has_given_up_ = std::make_shared<std::atomic<bool>>(false);
  workers::Store::Seconds timeout_{0};
};

}  // namespace strata::train
