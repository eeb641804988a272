#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/study/results.h"

namespace strata::study {
namespace {

constexpr auto kRight = Table::Align::kRight;

std::string number(double value, int digits) { return std::isfinite(value) ? fixed(value, digits) : "-"; }

std::string p_text(double p) {
  if (p < 0.001) return "p < 0.001";
  return str("p = ", p > 0.9995 ? "1" : significant(p, 2));
}

std::string p_cell(double p) { return p < 0.001 ? "< 0.001" : significant(p, 2); }

// So many digits behind the point that two of this number count.
int digits_for(double uncertainty) {
  if (!std::isfinite(uncertainty) || uncertainty <= 0.0) return 4;
  return std::clamp(1 - static_cast<int>(std::floor(std::log10(uncertainty))), 0, 6);
}

double half_width(const PairedTest& test) { return (test.high - test.low) / 2.0; }

std::string seeds_text(int64_t n) { return str(n, n == 1 ? " seed" : " seeds"); }

// Without the sign of a nought.
std::string signed_number(double value, int digits) {
  std::string text = fixed(value, digits);
  return text.find_first_of("123456789") == std::string::npos && text.starts_with('-') ? text.substr(1) : text;
}

// The size of a difference: of two digits, or more where it is that large.
std::string size_text(double size) {
  constexpr double kLarge = 100.0;
  return size < kLarge ? significant(size, 2) : with_commas(std::llround(size));
}

// How many seeds would show what was seen; as good as none: nothing.
std::string needed_text(const ArmResult& arm) {
  if (arm.seeds_needed >= kMostPairs) return "";
  return str("; ", with_commas(arm.seeds_needed), " seeds would show ", size_text(std::abs(arm.test.differences.mean)));
}

std::string label(const ArmResult& arm) {
  return arm.tuned.empty() ? arm.name : str(arm.name, " (", join(arm.tuned, ", "), ")");
}

std::string interval_text(const PairedTest& test) {
  const double width = half_width(test);
  const int digits = digits_for(width);
  return str(fixed(std::abs(test.differences.mean), digits), " ± ", fixed(width, digits));
}

std::string verdict_of(const ArmResult& arm, const Results& results) {
  const PairedTest& test = arm.test;
  const Summary& difference = test.differences;
  const std::string& base = results.base().name;
  if (difference.n == 0) return str(arm.name, " cannot be compared with ", base, ": no seed has ended in both");
  if (difference.n == 1) {
    return str(arm.name, " and ", base, " differ by ", fixed(difference.mean, results.outcome.digits),
               " with 1 seed, which says nothing about chance");
  }
  if (difference.sd == 0.0 && difference.mean == 0.0) {
    return str(arm.name, " and ", base, " do not differ in any of ", seeds_text(difference.n));
  }
  if (arm.p_holm <= kLevel) {
    return str(arm.name, difference.mean < 0.0 ? " is lower than " : " is higher than ", base, " by ",
               interval_text(test), " (95 % CI, ", seeds_text(difference.n), ", ", p_text(arm.p_holm), " after Holm)");
  }
  const int digits = digits_for(half_width(test));
  return str(arm.name, " and ", base, " are not distinguishable with ", seeds_text(difference.n), " (difference ",
             signed_number(difference.mean, digits), " ± ", fixed(half_width(test), digits), ", ", p_text(arm.p_holm),
             " after Holm); they would have shown a difference of ", size_text(arm.smallest_difference),
             needed_text(arm));
}

std::string target_verdict(const ArmResult& arm, const Results& results) {
  const bool is_better = arm.p_target <= kLevel;
  const char* side = results.outcome.is_lower_better ? "below " : "above ";
  return str(arm.name, is_better ? " is " : " is not shown to be ", side, *results.target, " (one-sided, ",
             seeds_text(arm.summary.n), ", ", p_text(arm.p_target), ")");
}

std::string lost_runs(const ArmResult& arm) {
  std::vector<std::string> parts;
  if (arm.failed > 0) parts.push_back(str(arm.failed, " failed or came to no such outcome"));
  if (arm.missing > 0) parts.push_back(str(arm.missing, arm.missing == 1 ? " has" : " have", " not ended"));
  return str(arm.name, ": of ", arm.asked, arm.asked == 1 ? " run " : " runs ", join(parts, ", "),
             arm.values.empty() ? "" : "; what is said of it rests on the others");
}

// In LaTeX these have a meaning.
std::string latex_text(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (std::string_view("_%&#$").find(letter) != std::string_view::npos) escaped += '\\';
    escaped += letter;
  }
  return escaped;
}

// A field of CSV that a comma or a quote is in.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + "\"";
}

// The shortest text that reads back as the same number.
std::string all_digits(double value) {
  if (!std::isfinite(value)) return "";
  std::array<char, 32> text = {};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace

std::vector<std::string> verdicts(const Results& results) {
  std::vector<std::string> sentences;
  for (const ArmResult& arm : results.arms) {
    if (arm.failed + arm.missing > 0) sentences.push_back(lost_runs(arm));
  }
  for (size_t i = 0; i < results.arms.size(); ++i) {
    if (i != results.baseline) sentences.push_back(verdict_of(results.arms[i], results));
  }
  for (const ArmResult& arm : results.arms) {
    if (results.target) sentences.push_back(target_verdict(arm, results));
  }
  return sentences;
}

Table table_of(const Results& results) {
  const Outcome& outcome = results.outcome;
  Table table({{"arm"},
               {"n", kRight},
               {"failed", kRight},
               {outcome.title, kRight},
               {"sd", kRight},
               {"se", kRight},
               {"difference", kRight},
               {"95 % CI", kRight},
               {"p (Holm)", kRight},
               {"could show", kRight}});
  for (size_t i = 0; i < results.arms.size(); ++i) {
    const ArmResult& arm = results.arms[i];
    const Summary& own = arm.summary;
    std::vector<std::string> cells{label(arm),
                                   std::to_string(own.n),
                                   std::to_string(arm.failed),
                                   number(own.mean, outcome.digits),
                                   number(own.sd, outcome.digits),
                                   number(own.standard_error, outcome.digits)};
    if (i == results.baseline) {
      cells.insert(cells.end(), {"baseline", "", "", ""});
    } else {
      const PairedTest& test = arm.test;
      cells.push_back(number(test.differences.mean, outcome.digits));
      cells.push_back(str("[", number(test.low, outcome.digits), ", ", number(test.high, outcome.digits), "]"));
      cells.push_back(test.differences.n > 1 ? p_cell(arm.p_holm) : "-");
      cells.push_back(number(arm.smallest_difference, outcome.digits));
    }
    table.add(cells);
  }
  return table;
}

Table brief_table_of(const Results& results) {
  const Outcome& outcome = results.outcome;
  const auto with = [&](double value, double reach) {
    return std::isfinite(reach) ? str(number(value, outcome.digits), " ± ", fixed(reach, outcome.digits))
                                : number(value, outcome.digits);
  };
  Table table({{"arm"},
               {"n", kRight},
               {"failed", kRight},
               {outcome.title + " ± se", kRight},
               {"difference ± 95 %", kRight},
               {"p (Holm)", kRight}});
  for (size_t i = 0; i < results.arms.size(); ++i) {
    const ArmResult& arm = results.arms[i];
    const bool is_base = i == results.baseline;
    table.add({label(arm), std::to_string(arm.summary.n), std::to_string(arm.failed),
               with(arm.summary.mean, arm.summary.standard_error),
               is_base ? "baseline" : with(arm.test.differences.mean, half_width(arm.test)),
               is_base                      ? ""
               : arm.test.differences.n > 1 ? p_cell(arm.p_holm)
                                            : "-"});
  }
  return table;
}

std::string csv_of(const std::vector<Results>& all) {
  std::string text =
      "outcome,arm,tuned,baseline,asked,n,failed,missing,mean,sd,se,difference,low,high,p,p_holm,"
      "smallest_difference,seeds_needed,p_target,values\n";
  for (const Results& results : all) {
    for (size_t i = 0; i < results.arms.size(); ++i) {
      const ArmResult& arm = results.arms[i];
      const bool is_base = i == results.baseline;
      const auto of_test = [&](double value) { return is_base ? "" : all_digits(value); };
      std::vector<std::string> values;
      for (const auto& [seed, value] : arm.values) values.push_back(str(seed, ":", all_digits(value)));
      const std::vector<std::string> fields{results.outcome.name,
                                            arm.name,
                                            join(arm.tuned, " "),
                                            results.base().name,
                                            std::to_string(arm.asked),
                                            std::to_string(arm.summary.n),
                                            std::to_string(arm.failed),
                                            std::to_string(arm.missing),
                                            all_digits(arm.summary.mean),
                                            all_digits(arm.summary.sd),
                                            all_digits(arm.summary.standard_error),
                                            of_test(arm.test.differences.mean),
                                            of_test(arm.test.low),
                                            of_test(arm.test.high),
                                            of_test(arm.test.p),
                                            of_test(arm.p_holm),
                                            of_test(arm.smallest_difference),
                                            is_base ? "" : std::to_string(arm.seeds_needed),
                                            results.target ? all_digits(arm.p_target) : "",
                                            join(values, " ")};
      std::vector<std::string> quoted;
      for (const std::string& field : fields) quoted.push_back(csv_field(field));
      text += join(quoted, ",") + "\n";
    }
  }
  return text;
}

std::string latex_of(const Results& results) {
  const Outcome& outcome = results.outcome;
  std::string text = "% needs \\usepackage{booktabs}\n\\begin{tabular}{lrrrr}\n\\toprule\n";
  text += str("arm & $n$ & ", latex_text(outcome.title), " & difference (95\\,\\% CI) & $p$ (Holm) \\\\\n\\midrule\n");
  for (size_t i = 0; i < results.arms.size(); ++i) {
    const ArmResult& arm = results.arms[i];
    text += str(latex_text(label(arm)), " & ", arm.summary.n, " & $", number(arm.summary.mean, outcome.digits),
                " \\pm ", number(arm.summary.standard_error, outcome.digits), "$ & ");
    if (i == results.baseline) {
      text += "baseline & \\\\\n";
      continue;
    }
    const PairedTest& test = arm.test;
    text += str("$", number(test.differences.mean, outcome.digits), "$ $[", number(test.low, outcome.digits), ", ",
                number(test.high, outcome.digits), "]$ & $", p_cell(arm.p_holm), "$ \\\\\n");
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

}  // namespace strata::study
