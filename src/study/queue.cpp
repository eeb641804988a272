#include "strata/study/queue.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <optional>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file_lock.h"
#include "strata/study/run_state.h"
#include "workers/launcher/events.h"
#include "workers/launcher/output.h"
#include "workers/launcher/spawn.h"

namespace strata::study {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostStarts = 3;  // of a run that is killed again and again without getting on

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::filesystem::path claim_of(const Run& run) { return run.folder().parent_path() / ("." + run.name + ".claim"); }

// A link whose run is gone makes way for a folder.
void make_folder(const Run& run) {
  const std::filesystem::path folder = run.folder();
  if (std::filesystem::is_symlink(folder) && !std::filesystem::exists(folder)) std::filesystem::remove(folder);
  std::filesystem::create_directories(folder);
}

std::vector<std::string> command_of(const Run& run, const std::string& program, const std::string& base) {
  std::vector<std::string> command{program, run.config.sft.model.empty() ? "pretrain" : "sft", "--quiet", base};
  command.insert(command.end(), run.overrides.begin(), run.overrides.end());
  return command;
}

// This process's, with what the job has of the machine.
std::vector<std::string> environment_of(const Run& run, const std::string& device) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("OMP_NUM_THREADS=") && !text.starts_with("CUDA_VISIBLE_DEVICES="))
      variables.emplace_back(text);
  }
  if (run.config.run.threads > 0) variables.push_back(str("OMP_NUM_THREADS=", run.config.run.threads));
  if (!device.empty()) variables.push_back("CUDA_VISIBLE_DEVICES=" + device);
  return variables;
}

class Queue {
 public:
  Queue(std::span<const Run> runs, const QueueOptions& options) : runs_(runs), options_(options) {
    for (size_t index = 0; index < runs.size(); ++index) waiting_.push_back(index);
    for (int job = 0; job < options.jobs; ++job) free_jobs_.push_back(job);
    for (const Run& run : runs) {
      work_.push_back(flops_of(run.config));
      total_work_ += work_.back();
      state_of(run);  // throws before anything is started
    }
  }

  ~Queue() { pthread_sigmask(SIG_SETMASK, &events_.outer_mask(), nullptr); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  QueueEnd run() {
    while (!waiting_.empty() || !active_.empty()) {
      if (end_.signal == 0) start_what_can();
      if (active_.empty() && (waiting_.empty() || end_.signal != 0)) break;
      tell_of_others();
      const auto batch = events_.wait(workers::Store::Seconds(active_.empty() ? 2.0 : 0.5));
      for (const int signal : batch.signals) stop(signal);
      for (const pid_t pid : batch.ended) finish(pid);
      say_progress();
    }
    log::end_progress();
    return end_;
  }

 private:
  struct Active {
    size_t run;
    int job;
    io::FileLock claim;
    int64_t from_step;
  };

  void start_what_can() {
    for (auto next = waiting_.begin(); next != waiting_.end() && !free_jobs_.empty();) {
      next = settle_or_start(*next) ? waiting_.erase(next) : std::next(next);
    }
  }

  // Whether the run needs no more waiting for: it is done, has failed, or was started.
  bool settle_or_start(size_t index) {
    const Run& run = runs_[index];
    if (is_settled(index)) return true;
    std::filesystem::create_directories(run.folder().parent_path());
    auto claim = io::FileLock::try_lock(claim_of(run));
    if (!claim) return false;            // somebody else makes it
    if (is_settled(index)) return true;  // and has just finished
    const bool is_new = !std::filesystem::exists(run.folder());
    if (const auto twin = is_new ? twin_of(run) : std::nullopt) {
      link_to(run, *twin);
      log::info(str(run.name, " is there already: ", twin->lexically_normal().string()));
      return is_settled(index);
    }
    start(index, std::move(*claim));
    return true;
  }

  bool is_settled(size_t index) {
    const Run& run = runs_[index];
    const RunState state = state_of(run);
    if (state.state == State::kDone) {
      ++end_.done;
    } else if (state.state == State::kFailed && options_.retry_failed && !starts_.contains(index)) {
      forget_failure(run);
      return false;
    } else if (state.state == State::kFailed) {
      ++end_.failed;
      log::warn(str(run.name, " has failed: ", state.why, starts_.contains(index) ? "" : " (--retry-failed)"));
    } else {
      return false;
    }
    done_work_ += work_[index];
    if (!starts_.contains(index)) work_before_ += work_[index];
    return true;
  }

  void start(size_t index, io::FileLock claim) {
    const Run& run = runs_[index];
    make_folder(run);
    const int job = free_jobs_.back();
    const std::string device = options_.devices.empty() ? "" : options_.devices.at(static_cast<size_t>(job));
    workers::Spawned child =
        workers::spawn(command_of(run, options_.program, run.base), environment_of(run, device), events_.outer_mask());
    free_jobs_.pop_back();
    ++starts_[index];
    events_.watch(child.pid);
    output_.add(std::move(child.out), {.worker = static_cast<int>(index)});
    output_.add(std::move(child.err),
                {.worker = static_cast<int>(index), .file = run.folder() / "stderr.txt", .keeps_last_lines = true});
    const int64_t from_step = last_step_in(run.folder());
    if (starts_[index] == 1) work_before_ += part_of(index, from_step);
    active_.emplace(child.pid, Active{index, job, std::move(claim), from_step});
  }

  void finish(pid_t pid) {
    const auto found = active_.find(pid);
    int status = 0;
    waitpid(pid, &status, 0);
    const size_t index = found->second.run;
    output_.finish(static_cast<int>(index), workers::Store::Seconds(5));
    const int64_t steps = last_step_in(runs_[index].folder()) - found->second.from_step;
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (steps > 0) starts_[index] = 1;
    const bool is_done = state_of(runs_[index]).state == State::kDone;
    if (!is_done && end_.signal == 0) judge_failure(index, code);
    free_jobs_.push_back(found->second.job);
    active_.erase(found);
    if (is_done || end_.signal == 0) {
      if (!is_settled(index)) waiting_.push_front(index);
    }
    if (is_done) say_done(index);
  }

  // One that a signal ended did not fail by itself.
  void judge_failure(size_t index, int code) {
    const Run& run = runs_[index];
    const bool was_killed = code > 128;
    if (was_killed && starts_[index] < kMostStarts) {
      return log::warn(str(run.name, " was ended by signal ", code - 128, "; it goes on from its newest checkpoint"));
    }
    const auto lines = output_.last_lines(static_cast<int>(index));
    std::string last = lines.empty() ? str("exit code ", code, ", and no word why") : lines.back();
    if (code == 0) last = str("it ended before step ", run.config.train.steps, " (train.stop_after?)");
    note_failure(run, code, was_killed ? str("ended by signal ", code - 128, " ", starts_[index], " times") : last);
  }

  void say_done(size_t index) const {
    const auto loss = state_of(runs_[index]).validation_loss;
    log::say(str(runs_[index].name, ": ", loss ? "validation loss " + fixed(*loss, 4) : "done", "  (",
                 end_.done + end_.failed, " of ", runs_.size(), ")"));
  }

  void stop(int signal) {
    if (signal == SIGUSR1) return;
    const int sent = end_.signal == 0 ? SIGTERM : SIGKILL;
    if (end_.signal == 0 && !active_.empty()) {
      log::info(str("stopping ", active_.size(), " runs, each after a checkpoint; a second signal kills them"));
    }
    end_.signal = signal;
    for (const auto& [pid, active] : active_) kill(-pid, sent);
  }

  // Of a run's work what lies before this step.
  double part_of(size_t index, int64_t step) const {
    return work_[index] * static_cast<double>(step) /
           static_cast<double>(std::max<int64_t>(1, runs_[index].config.train.steps));
  }

  void tell_of_others() {
    const bool waits = active_.empty() && !waiting_.empty() && end_.signal == 0;
    if (!waits) return wait_.reset();
    if (!wait_) wait_.emplace(str("other processes that make ", waiting_.size(), " runs of this sweep"));
  }

  void say_progress() {
    if (active_.empty() || !pace_.is_due()) return;
    double work = done_work_;
    for (const auto& [pid, active] : active_) work += part_of(active.run, last_step_in(runs_[active.run].folder()));
    const double of_this_process = work - work_before_;
    const double of_half_a_run = 0.5 * total_work_ / static_cast<double>(runs_.size());
    std::vector<log::Part> parts{{str(end_.done, " of ", runs_.size(), " ", options_.kind), 3},
                                 {str(active_.size(), " under way"), 1},
                                 {str(fixed(100.0 * work / total_work_, 0), " % of the work"), 2}};
    if (of_this_process > of_half_a_run) {  // the start of a process is no measure
      const double seconds_a_flop = seconds_since(began_) / of_this_process;
      const double left = total_work_ - work + options_.flops_after;
      parts.push_back({human_seconds(left * seconds_a_flop) + " left", 3});
    }
    if (end_.failed > 0) parts.push_back({str(end_.failed, " failed"), 3});
    log::progress(parts);
  }

  std::span<const Run> runs_;
  const QueueOptions& options_;
  workers::Events events_;
  workers::OutputPump output_;
  std::list<size_t> waiting_;
  std::vector<int> free_jobs_;
  std::map<pid_t, Active> active_;
  std::map<size_t, int> starts_;  // of the runs that this queue has started, since they last got on
  QueueEnd end_;
  std::vector<double> work_;                                       // of each run, FLOPs
  double total_work_ = 0.0, done_work_ = 0.0, work_before_ = 0.0;  // FLOPs; of the last two, those done before began_
  Clock::time_point began_ = Clock::now();
  log::Pace pace_;
  std::optional<log::Wait> wait_;
};

}  // namespace

QueueEnd run_all(std::span<const Run> runs, const QueueOptions& options) { return Queue(runs, options).run(); }

}  // namespace strata::study
