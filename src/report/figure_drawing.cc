#include "report/figure_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "report/figures_c.h"
#include "report/math_text.h"

namespace qk {
namespace {

using Json = nlohmann::json;

// Replaces the noncharacters of Unicode, of which XML cannot hold some and math_text.h uses others.
// REQUIRES: valid UTF-8.
std::string without_noncharacters(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t offset) { return static_cast<unsigned char>(text[i + offset]); };
    size_t size = 1;
    while (i + size < text.size() && (byte(size) & 0xC0) == 0x80) ++size;
    const bool is_last_two = size >= 3 && byte(size - 1) >= 0xBE && byte(size - 2) == 0xBF &&
                             (size == 3 ? byte(0) == 0xEF : (byte(1) & 0x0F) == 0x0F);
    const bool is_inner =
        size == 3 && byte(0) == 0xEF && byte(1) == 0xB7 && byte(2) >= 0x90 && byte(2) <= 0xAF;
    out += is_last_two || is_inner ? "?" : text.substr(i, size);
    i += size;
  }
  return out;
}

// One line of text with the marks of its formulas. Adds notes that begin with `name`.
std::string label_text(std::string text, const char* name, std::vector<std::string>& notes) {
  constexpr size_t kLongest = 1000;  // bytes
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  if (text.size() > kLongest) {
    notes.push_back(
        fmt::format("the {} is too long: only its first {} bytes are drawn", name, kLongest));
  }
  MathText out = read_math(without_noncharacters(printable(text, kLongest)));
  for (const std::string& note : out.notes) notes.push_back(fmt::format("{}: {}", name, note));
  return std::move(out.text);
}

Json color_json(const Rgb& color) { return Json::array({color.red, color.green, color.blue}); }

Json ticks_json(const std::optional<std::vector<Tick>>& ticks) {
  if (!ticks) return nullptr;
  Json out = Json::array();
  for (const Tick& tick : *ticks) {
    out.push_back({{"at", tick.at}, {"label", tick.label}, {"number", tick.number}});
  }
  return out;
}

Json axis_json(const Axis& axis, const char* name, std::vector<std::string>& notes) {
  QK_CHECK(axis.low < axis.high);
  return {{"label", label_text(axis.label, name, notes)},
          {"low", axis.low},
          {"high", axis.high},
          {"grid", axis.grid},
          {"ticks", ticks_json(axis.ticks)}};
}

Json data_json(const Figure& figure) {
  Json cells = Json::array();
  for (const Cell& cell : figure.cells) {
    cells.push_back({{"column", cell.column},
                     {"row", cell.row},
                     {"color", color_json(cell.color)},
                     {"hatched", cell.hatched}});
  }
  Json bars = Json::array();
  for (const Bar& bar : figure.bars) {
    bars.push_back({{"center", bar.center},
                    {"width", bar.width},
                    {"value", bar.value},
                    {"color", color_json(bar.color)}});
  }
  Json lines = Json::array();
  for (const Line& line : figure.lines) {
    lines.push_back({{"points", line.points},
                     {"color", color_json(line.color)},
                     {"opacity", line.opacity},
                     {"width_pt", line.width_pt},
                     {"dash", line.dash},
                     {"filled", line.filled}});
  }
  return {{"cells", std::move(cells)}, {"bars", std::move(bars)}, {"lines", std::move(lines)}};
}

Json color_bar_json(const std::optional<ColorBar>& bar, std::vector<std::string>& notes) {
  if (!bar) return nullptr;
  QK_CHECK(bar->low < bar->high && !bar->colors.empty());
  Json colors = Json::array();
  for (const Rgb& color : bar->colors) colors.push_back(color_json(color));
  return {{"label", label_text(bar->label, "colour bar's label", notes)},
          {"low", bar->low},
          {"high", bar->high},
          {"colors", std::move(colors)},
          {"ticks", ticks_json(bar->ticks)}};
}

Json strip_json(const std::optional<Strip>& strip, std::vector<std::string>& notes) {
  if (!strip) return nullptr;
  QK_CHECK(strip->high > 0);
  Json bars = Json::array();
  for (const Strip::Bar& bar : strip->bars) {
    bars.push_back(
        {{"from", bar.from}, {"to", bar.to}, {"value", bar.value}, {"hollow", bar.is_thin}});
  }
  return {{"label", label_text(strip->label, "strip's label", notes)},
          {"high", strip->high},
          {"level", strip->level ? Json(*strip->level) : Json(nullptr)},
          {"bars", std::move(bars)}};
}

std::string figure_json(const Figure& figure, std::vector<std::string>& notes) {
  Json out = data_json(figure);
  out["width_in"] = figure.width_in;
  out["height_in"] = figure.height_in;
  out["title"] = label_text(figure.title, "title", notes);
  out["x"] = axis_json(figure.x, "x-axis label", notes);
  out["y"] = axis_json(figure.y, "y-axis label", notes);
  out["color_bar"] = color_bar_json(figure.color_bar, notes);
  out["strip"] = strip_json(figure.strip, notes);
  out["caption"] = label_text(figure.caption, "caption", notes);
  out["legend"] = Json::array();
  for (const LegendEntry& entry : figure.legend) {
    out["legend"].push_back({{"label", label_text(entry.label, "legend", notes)},
                             {"color", color_json(entry.color)},
                             {"width_pt", entry.width_pt},
                             {"dash", entry.dash},
                             {"band", entry.band}});
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string take(qk_figures_bytes bytes) {
  std::string out(reinterpret_cast<const char*>(bytes.data), bytes.size);
  qk_figures_free(bytes);
  return out;
}

}  // namespace

FigureFormat figure_format(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".png") return FigureFormat::kPng;
  if (extension == ".svg") return FigureFormat::kSvg;
  if (extension == ".pdf") return FigureFormat::kPdf;
  fail("{}: expected a file name that ends in .png, .svg or .pdf", printable(path.string(), 400));
}

DrawnFigure draw_figure(const Figure& figure, FigureFormat format) {
  DrawnFigure out;
  const std::string json = figure_json(figure, out.notes);
  qk_figures_bytes drawn{};
  qk_figures_bytes notes{};
  qk_figures_bytes error{};
  if (qk_figures_draw(json.data(), json.size(), static_cast<int32_t>(format), &drawn, &notes,
                      &error) != 0) {
    fail("the figure cannot be drawn: {}", printable(take(error), 400));
  }
  out.bytes = take(drawn);
  std::istringstream lines(take(notes));
  for (std::string line; std::getline(lines, line);) out.notes.push_back(printable(line, 400));
  return out;
}

std::vector<std::string> write_figure(const Figure& figure, const std::filesystem::path& path) {
  DrawnFigure drawn = draw_figure(figure, figure_format(path));
  std::error_code error;
  const std::filesystem::path folder = path.parent_path();
  if (!folder.empty() && !std::filesystem::create_directories(folder, error) && error) {
    fail("{}: cannot be created: {}", path_text(folder), error.message());
  }
  write_file(path, drawn.bytes);
  return std::move(drawn.notes);
}

}  // namespace qk
