#include "strata/plot/page.h"

#include <algorithm>

#include "plot/page_files.h"
#include "plot/palette.h"
#include "plot/xml.h"
#include "strata/base/check.h"

namespace strata::plot {
namespace {

const std::string& title_of(const Figure& figure) {
  return std::visit([](const auto& kind) -> const std::string& { return kind.title; }, figure);
}

// Everything that the figure's own legend would tell apart; of intervals their rows.
std::vector<Arm> arms_of(const Figure& figure) {
  std::vector<Arm> arms;
  const auto add = [&](const auto& parts) {
    for (const auto& part : parts) arms.push_back({part.label, part.color});
  };
  if (const auto* lines = std::get_if<Lines>(&figure)) {
    for (const Line& line : lines->lines) {
      if (!line.is_single) arms.push_back({line.label, line.color});
    }
  }
  if (const auto* bars = std::get_if<Bars>(&figure)) add(bars->series);
  if (const auto* intervals = std::get_if<Intervals>(&figure)) add(intervals->rows);
  return arms;
}

bool shares_legend(const Figure& figure, const Page& page) {
  const std::vector<Arm> arms = arms_of(figure);
  const auto is_known = [&](const Arm& arm) {
    return std::ranges::any_of(page.arms, [&](const Arm& known) {
      return known.label == arm.label && color_index(known.color) == color_index(arm.color);
    });
  };
  return !arms.empty() && std::ranges::all_of(arms, is_known);
}

/// What of a page has switches.
struct Switches {
  std::vector<std::string> variants = {};
  bool has_lines = false, has_singles = false, has_panels = false;

  void add(const Panel::Variant& variant) {
    has_panels = true;
    if (!variant.name.empty() && std::ranges::find(variants, variant.name) == variants.end()) {
      variants.push_back(variant.name);
    }
    const auto* lines = std::get_if<Lines>(&variant.figure);
    if (!lines || lines->lines.empty()) return;
    has_lines = true;
    has_singles |= std::ranges::any_of(lines->lines, &Line::is_single);
  }
};

Switches switches_of(const Page& page) {
  Switches switches;
  for (const Block& block : page.blocks) {
    const auto* panels = std::get_if<Panels>(&block);
    if (!panels) continue;
    for (const Panel& panel : panels->panels) {
      for (const Panel::Variant& variant : panel.variants) switches.add(variant);
    }
  }
  return switches;
}

std::string arm_button(const Arm& arm) {
  const std::string color = color_class(arm.color);
  return str("<button type=\"button\" aria-pressed=\"true\"", attribute("class", color), attribute("data-arm", color),
             "><svg width=\"18\" height=\"8\" aria-hidden=\"true\"><path class=\"stroke\" d=\"M0,4h18\" fill=\"none\"",
             " stroke-width=\"2.5\"", dashes(arm.color, false), "/></svg><span>", escaped(arm.label),
             "</span></button>\n");
}

std::string variant_switch(const std::vector<std::string>& names) {
  std::string html = "<span class=\"choice\">x axis:\n";
  for (const std::string& name : names) {
    html += str("<label><input type=\"radio\" name=\"variant\"", attribute("value", escaped(name)), "> ", escaped(name),
                "</label>\n");
  }
  return html + "</span>\n";
}

// The legend is there for all; switches appear where a script can make them work.
std::string controls(const Page& page) {
  const Switches switches = switches_of(page);
  std::string arms, inputs;
  for (const Arm& arm : page.arms) arms += arm_button(arm);
  if (switches.variants.size() > 1) inputs += variant_switch(switches.variants);
  if (switches.has_lines) {
    inputs +=
        "<label title=\"Exponential moving average over the points drawn, where they are more than 30; bands are "
        "hidden meanwhile\">smoothing "
        "<input type=\"range\" name=\"smoothing\" min=\"0\" max=\"99\" value=\"0\"> <output>0.00</output></label>\n";
  }
  if (switches.has_singles) inputs += "<label><input type=\"checkbox\" name=\"singles\"> single seeds</label>\n";
  if (!switches.has_panels || (arms.empty() && inputs.empty())) return "";
  return str("<div class=\"controls\">\n", arms.empty() ? "" : "<div class=\"arms\">\n" + arms + "</div>\n",
             "<div class=\"switches\" hidden>\n", inputs, "</div>\n</div>\n");
}

std::string html_of(const Heading& heading, const Page&) { return "<h2>" + escaped(heading.text) + "</h2>\n"; }

std::string html_of(const Paragraph& paragraph, const Page&) { return "<p>" + escaped(paragraph.text) + "</p>\n"; }

std::string html_of(const Verdict& verdict, const Page&) {
  std::string html = "<div class=\"verdict\">\n";
  for (const std::string& sentence : verdict.sentences) html += "<p>" + escaped(sentence) + "</p>\n";
  return html + "</div>\n";
}

std::string table_cell(const char* kind, const Table::Column& column, const std::string& text, size_t reach = 1) {
  const std::string align = column.align == Table::Align::kRight ? attribute("class", "right") : "";
  const std::string span = reach > 1 ? attribute("colspan", std::to_string(reach)) : "";
  return str("<", kind, align, span, ">", escaped(text), "</", kind, ">");
}

std::string html_of(const Table& table, const Page&) {
  const std::vector<Table::Column>& columns = table.columns();
  std::string html = "<div class=\"table\">\n<table>\n<thead><tr>";
  for (const Table::Column& column : columns) html += table_cell("th", column, column.title);
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows()) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      html += table_cell("td", columns[i], row[i], i + 1 == row.size() ? columns.size() - i : 1);
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n</div>\n";
}

std::string html_of(const Panel& panel, const Page& page) {
  if (panel.variants.empty()) return "";
  std::string html = "<figure class=\"panel\">\n";
  html += "<figcaption>" + escaped(title_of(panel.variants.front().figure)) + "</figcaption>\n";
  for (const Panel::Variant& variant : panel.variants) {
    const bool is_shared = shares_legend(variant.figure, page);
    const bool is_first = &variant == &panel.variants.front();
    html += str("<div", attribute("class", is_shared ? "variant shared" : "variant"),
                attribute("data-name", escaped(variant.name)), is_first ? ">\n" : " hidden>\n",
                svg(variant.figure, {.with_title = false, .with_legend = !is_shared}), "</div>\n");
  }
  return html + "</figure>\n";
}

std::string html_of(const Panels& panels, const Page& page) {
  std::string html = "<div class=\"panels\">\n";
  for (const Panel& panel : panels.panels) html += html_of(panel, page);
  return html + "</div>\n";
}

std::string html_of(const Details& details, const Page&) {
  return "<details><summary>" + escaped(details.summary) + "</summary>\n<pre>" + escaped(details.text) +
         "</pre></details>\n";
}

std::string head_of(const Page& page) {
  std::string head = str("<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
                         escaped(page.title), "</title>\n<style>\n", page_css(), palette_css(), "</style>\n");
  if (page.reload_seconds) {
    head += str("<noscript><meta http-equiv=\"refresh\" content=\"", *page.reload_seconds, "\"></noscript>\n");
  }
  return head;
}

}  // namespace

std::string html(const Page& page) {
  std::string blocks;
  for (const Block& block : page.blocks) {
    blocks += std::visit([&](const auto& kind) { return html_of(kind, page); }, block);
  }
  const std::string reload = page.reload_seconds ? attribute("data-reload", std::to_string(*page.reload_seconds)) : "";
  const std::string subtitle =
      page.subtitle.empty() ? "" : "<p class=\"subtitle\">" + escaped(page.subtitle) + "</p>\n";
  return str("<!doctype html>\n<html lang=\"en\">\n<head>\n", head_of(page), "</head>\n<body", reload,
             ">\n<header>\n<h1>", escaped(page.title), "</h1>\n", subtitle, "</header>\n", controls(page), "<main>\n",
             blocks, "</main>\n<script>\n", page_js(), "</script>\n</body>\n</html>\n");
}

}  // namespace strata::plot
