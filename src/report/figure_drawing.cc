#include "report/figure_drawing.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "report/figures_c.h"

namespace qk {
namespace {

using Json = nlohmann::json;

// One line of valid UTF-8 without control characters, which SVG cannot hold.
std::string line_text(std::string text) {
  constexpr size_t kLongest = 1000;  // bytes
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return printable(text, kLongest);
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

Json axis_json(const Axis& axis) {
  QK_CHECK(axis.low < axis.high);
  return {{"label", line_text(axis.label)},
          {"low", axis.low},
          {"high", axis.high},
          {"grid", axis.grid},
          {"ticks", ticks_json(axis.ticks)}};
}

Json data_json(const Figure& figure) {
  Json cells = Json::array();
  for (const Cell& cell : figure.cells) {
    cells.push_back(
        {{"column", cell.column}, {"row", cell.row}, {"color", color_json(cell.color)}});
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
                     {"width_pt", line.width_pt}});
  }
  return {{"cells", std::move(cells)}, {"bars", std::move(bars)}, {"lines", std::move(lines)}};
}

Json color_bar_json(const std::optional<ColorBar>& bar) {
  if (!bar) return nullptr;
  QK_CHECK(bar->low < bar->high && !bar->colors.empty());
  Json colors = Json::array();
  for (const Rgb& color : bar->colors) colors.push_back(color_json(color));
  return {{"label", line_text(bar->label)},
          {"low", bar->low},
          {"high", bar->high},
          {"colors", std::move(colors)},
          {"ticks", ticks_json(bar->ticks)}};
}

std::string figure_json(const Figure& figure) {
  Json out = data_json(figure);
  out["width_in"] = figure.width_in;
  out["height_in"] = figure.height_in;
  out["title"] = line_text(figure.title);
  out["x"] = axis_json(figure.x);
  out["y"] = axis_json(figure.y);
  out["color_bar"] = color_bar_json(figure.color_bar);
  out["legend"] = Json::array();
  for (const LegendEntry& entry : figure.legend) {
    out["legend"].push_back(
        {{"label", entry.label}, {"color", color_json(entry.color)}, {"width_pt", entry.width_pt}});
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

std::string draw_figure(const Figure& figure, FigureFormat format) {
  const std::string json = figure_json(figure);
  qk_figures_bytes drawn{};
  qk_figures_bytes error{};
  if (qk_figures_draw(json.data(), json.size(), static_cast<int32_t>(format), &drawn, &error) !=
      0) {
    fail("the figure cannot be drawn: {}", printable(take(error), 400));
  }
  return take(drawn);
}

void write_figure(const Figure& figure, const std::filesystem::path& path) {
  const std::string bytes = draw_figure(figure, figure_format(path));
  std::error_code error;
  const std::filesystem::path folder = path.parent_path();
  if (!folder.empty() && !std::filesystem::create_directories(folder, error) && error) {
    fail("{}: cannot be created: {}", path_text(folder), error.message());
  }
  write_file(path, bytes);
}

}  // namespace qk
