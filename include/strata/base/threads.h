#pragma once

#include <algorithm>
#include <cstdint>

#include "strata/base/integers.h"

namespace strata {

/// How many threads share the work of the calling thread; 1 in a task, whose thread works alone. At first what
/// OMP_NUM_THREADS says, or as many as the machine has cores for this process.
int num_threads();

/// For the whole process; 0: as at first. Not while tasks run.
void set_num_threads(int count);

/// The calling thread shares its work with none from now on: others compute meanwhile.
void work_alone();

/// Which of the num_threads() of its caller runs a task, from 0: it tells apart what they write to meanwhile.
int thread_index();

/// What parallel_tasks hands to the threads: a function without its type.
struct TaskFunction {
  void (*call)(const void* function, int64_t task);
  const void* function;
};
void run_tasks(int64_t tasks, TaskFunction function);

/// f(task) for every task, on all threads; whoever is free takes the next, in order. Tasks must not depend on who runs
/// them. The first exception that one throws is thrown here, after all have ended.
///
/// The threads are Strata's own. One that waits gives its core to any other program that wants it, and a task goes to a
/// thread that has a core, so that a machine with something else to do slows a step by no more than it takes. ATen's
/// operations, and libraries that are built with OpenMP, keep to one thread in a task and on every thread that has
/// called this: two sets of threads would wait for each other.
template <class F>
void parallel_tasks(int64_t tasks, const F& f) {
  run_tasks(tasks, {[](const void* function, int64_t task) { (*static_cast<const F*>(function))(task); }, &f});
}

/// f(begin, end) for contiguous ranges, of at least `grain` but for the last, that make up 0 to n.
template <class F>
void parallel_ranges(int64_t n, int64_t grain, const F& f) {
  constexpr int64_t kRangesOfAThread = 4;
  const int64_t ranges = num_threads() == 1 ? 1 : kRangesOfAThread * num_threads();
  const int64_t size = std::max({grain, quotient_up(n, ranges), int64_t{1}});
  parallel_tasks(quotient_up(n, size), [&](int64_t task) { f(task * size, std::min(n, (task + 1) * size)); });
}

}  // namespace strata
