#include "plot/palette.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "plot/xml.h"
#include "strata/base/check.h"

namespace strata::plot {
namespace {

struct Rgb {
  int red = 0, green = 0, blue = 0;
};

// Okabe and Ito's colors, with indigo and gray for the yellow and black that white or dark would swallow.
struct ArmColor {
  const char *light, *dark;
};
constexpr std::array<ArmColor, kColors / 2> kArms{{
    {"#0072b2", "#4ba3e3"},  // blue
    {"#d55e00", "#f58a4b"},  // vermilion
    {"#009e73", "#2fbf94"},  // green
    {"#c2609b", "#e191c0"},  // pink
    {"#d18f00", "#f0b429"},  // amber
    {"#3d2b8f", "#a79bf5"},  // indigo
    {"#45b0e6", "#8fd6f7"},  // sky
    {"#6b6b6b", "#b8b8b8"},  // gray
}};

constexpr std::array<Rgb, 9> kViridis{{{68, 1, 84},
                                       {71, 44, 122},
                                       {59, 81, 139},
                                       {44, 113, 142},
                                       {33, 144, 141},
                                       {39, 173, 129},
                                       {92, 200, 99},
                                       {170, 220, 50},
                                       {253, 231, 37}}};

constexpr std::array<Rgb, 9> kBlueToRed{{{33, 102, 172},
                                         {67, 147, 195},
                                         {146, 197, 222},
                                         {209, 229, 240},
                                         {247, 247, 247},
                                         {253, 219, 199},
                                         {244, 165, 130},
                                         {214, 96, 77},
                                         {178, 24, 43}}};

std::string hex_byte(double value) {
  const int byte = std::clamp(static_cast<int>(std::lround(value)), 0, 255);
  return {"0123456789abcdef"[byte / 16], "0123456789abcdef"[byte % 16]};
}

template <size_t kStops>
std::string between(const std::array<Rgb, kStops>& stops, double part) {
  const double place = std::clamp(part, 0.0, 1.0) * (kStops - 1);
  const auto left = std::min(static_cast<size_t>(place), kStops - 2);
  const double rest = place - static_cast<double>(left);
  const auto mixed = [&](int Rgb::*channel) {
    return hex_byte((1 - rest) * stops[left].*channel + rest * stops[left + 1].*channel);
  };
  return "#" + mixed(&Rgb::red) + mixed(&Rgb::green) + mixed(&Rgb::blue);
}

}  // namespace

int color_index(int color) { return (color % kColors + kColors) % kColors; }

std::string light_color(int color) { return kArms[color_index(color) % kArms.size()].light; }

std::string dark_color(int color) { return kArms[color_index(color) % kArms.size()].dark; }

bool is_dashed(int color) { return color_index(color) >= kColors / 2; }

std::string color_class(int color) { return "c" + std::to_string(color_index(color)); }

std::string dashes(int color, bool dotted) {
  if (dotted) return attribute("stroke-dasharray", is_dashed(color) ? "6 2 1.5 2" : "1.5 2.5");
  return is_dashed(color) ? attribute("stroke-dasharray", "6 3") : "";
}

std::string sequential_color(double part) { return between(kViridis, part); }

std::string diverging_color(double part) { return between(kBlueToRed, part); }

std::string palette_css() {
  std::string light, dark, hidden;
  for (int color = 0; color < kColors; ++color) {
    const std::string arm = color_class(color);
    light += str(".", arm, " { --arm: ", light_color(color), "; }\n");
    dark += str("  .", arm, " { --arm: ", dark_color(color), "; }\n");
    hidden += str(".hide-", arm, " .shared .", arm, " { display: none; }\n");
  }
  return light + "@media screen and (prefers-color-scheme: dark) {\n" + dark + "}\n" + hidden;
}

}  // namespace strata::plot
