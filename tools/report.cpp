// strata report: a page about runs, or a sweep, that loads nothing.
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"
#include "strata/study/index.h"
#include "strata/study/report.h"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  std::vector<std::string> paths;
  std::string page, svg, title;
  bool follow = false;
};

constexpr int kReloadSeconds = 30;

// One sweep's folder, or the folders of runs.
study::StudyIndex index_of(const ReportArguments& arguments) {
  for (const std::string& path : arguments.paths) {
    if (!fs::is_directory(path)) throw UsageError(str(path, ": no such folder"));
    auto index = study::read_index(path);
    if (index && arguments.paths.size() == 1) return *std::move(index);
    if (index) throw UsageError(str(path, " is a sweep; a report is of one sweep, or of runs (", path, "/runs/*)"));
    if (!study::is_run(path)) throw UsageError(str(path, ": neither a run folder nor a sweep's"));
  }
  return study::index_of_folders({arguments.paths.begin(), arguments.paths.end()});
}

study::Reported read(const study::StudyIndex& index) {
  study::Reported reported{.arms = study::read_groups(index.arms), .tuning = study::read_groups(index.tuning)};
  if (reported.arms.size() > 1) reported.results = study::results_of(index, reported.arms);
  return reported;
}

bool is_over(const study::Reported& reported) {
  for (const study::ArmRuns& arm : reported.arms) {
    if (std::ssize(arm.runs) < arm.asked) return false;
    for (const auto& [seed, run] : arm.runs) {
      if (!run.is_complete && run.failure.empty()) return false;
    }
  }
  return true;
}

// Beside what it is about.
std::string page_of(const ReportArguments& arguments) {
  if (!arguments.page.empty()) return arguments.page;
  return arguments.paths.size() > 1 ? "report.html" : (fs::path(arguments.paths.front()) / "report.html").string();
}

std::string title_of(const ReportArguments& arguments) {
  if (!arguments.title.empty()) return arguments.title;
  if (arguments.paths.size() > 1) return "runs";
  return fs::absolute(arguments.paths.front() + "/").lexically_normal().parent_path().filename().string();
}

void write_figures(const study::Reported& reported, const fs::path& folder) {
  fs::create_directories(folder);
  const auto figures = study::figures_of(reported);
  for (const auto& [name, figure] : figures) io::write_atomically(folder / (name + ".svg"), plot::svg(figure));
  std::cout << folder.string() << ": " << figures.size() << " figures\n";
}

void run(const ReportArguments& arguments) {
  const study::StudyIndex index = index_of(arguments);
  const std::string page = page_of(arguments);
  const study::ReportOptions options{.page = page, .title = title_of(arguments)};
  study::Reported reported = read(index);
  while (arguments.follow && !is_over(reported)) {
    study::ReportOptions going_on = options;
    going_on.reload_seconds = kReloadSeconds;
    study::write_report(reported, going_on);
    log::progress({{page + " is as the runs are", 1}});
    std::this_thread::sleep_for(std::chrono::seconds(kReloadSeconds));
    reported = read(index);
  }
  log::end_progress();
  study::write_report(reported, options);
  std::cout << "the page is " << page << "\n";
  if (!arguments.svg.empty()) write_figures(reported, arguments.svg);
  if (reported.results.empty()) return;
  for (const std::string& sentence : study::verdicts(reported.results.front())) log::show(sentence + "\n");
}

}  // namespace

void add_report(const Command& program) {
  const auto arguments = std::make_shared<ReportArguments>();
  const Command command = program.add("report", "one HTML page about runs or a sweep: curves, layers, verdict");
  command.option("paths", arguments->paths, "run folders (any, also while they go on), or one sweep's folder")
      .required();
  command.option("--output", arguments->page, "the page (default: report.html in the one folder, or here for several)");
  command.option("--svg", arguments->svg, "folder for the figures as SVG files");
  command.option("--title", arguments->title, "of the page");
  command.flag("--follow", arguments->follow, "write it again until all runs have ended; the page reloads itself");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
