#include "report/figure_drawing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <span>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"

namespace qk {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Figure small_figure() {
  Figure figure;
  figure.width_in = 4;
  figure.height_in = 3;
  figure.title = "Curves of <two> & \"three\"";
  figure.x = {"Position (tokens)", 0, 1000, true, {}};
  figure.y = {"Height", -1, 1, true, {}};
  figure.lines.push_back({{{0, -1}, {500, 0.5}, {1000, 1}}, {255, 0, 0}, 0.5, 2});
  figure.legend.push_back({"A line", {255, 0, 0}, 2});
  return figure;
}

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

TEST(FigureDrawing, PngOf200DotsPerInch) {
  const std::string png = draw_figure(small_figure(), FigureFormat::kPng).bytes;
  ASSERT_THAT(png, StartsWith("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(big_endian(png, 16), 800u);
  EXPECT_EQ(big_endian(png, 20), 600u);
  const size_t physical = png.find("pHYs");
  ASSERT_NE(physical, std::string::npos);
  EXPECT_EQ(big_endian(png, physical + 4), 7874u);  // dots per metre
}

TEST(FigureDrawing, SvgHoldsItsTexts) {
  const std::string svg = draw_figure(small_figure(), FigureFormat::kSvg).bytes;
  EXPECT_THAT(svg, StartsWith("<svg width=\"4in\" height=\"3in\" viewBox=\"0 0 4000 3000\""));
  EXPECT_THAT(svg, HasSubstr(">Curves of &lt;two&gt; &amp; &quot;three&quot;</text>"));
  EXPECT_THAT(svg, HasSubstr(">Position (tokens)</text>"));
  EXPECT_THAT(svg, HasSubstr(">Height</text>"));
  EXPECT_THAT(svg, HasSubstr(">A line</text>"));
  EXPECT_THAT(svg, HasSubstr(">-0.5</text>"));
  EXPECT_THAT(svg, HasSubstr(">0.0</text>"));
  EXPECT_THAT(svg, HasSubstr("stroke-opacity=\"0.5\" stroke=\"#FF0000\""));
  EXPECT_THAT(svg, Not(HasSubstr(" opacity=\"0.5\"")));
}

TEST(FigureDrawing, PdfWithItsFont) {
  const std::string pdf = draw_figure(small_figure(), FigureFormat::kPdf).bytes;
  EXPECT_THAT(pdf, StartsWith("%PDF-1."));
  EXPECT_THAT(pdf, HasSubstr("/MediaBox [0 0 288 216]"));
  EXPECT_THAT(pdf, HasSubstr("DejaVuSans"));
  EXPECT_THAT(pdf, Not(HasSubstr("CreationDate")));
}

TEST(FigureDrawing, SameBytesAgain) {
  Figure figure = small_figure();
  for (int i = 0; i < 30; ++i) figure.lines.push_back(figure.lines.front());  // 31 resources in PDF
  for (const auto format : {FigureFormat::kSvg, FigureFormat::kPng, FigureFormat::kPdf}) {
    EXPECT_TRUE(draw_figure(figure, format).bytes == draw_figure(figure, format).bytes);
  }
}

// On every machine. They change only with a crate of rust/figures_c, its font, or its code.
TEST(FigureDrawing, KnownBytes) {
  Figure figure = small_figure();
  figure.cells.push_back({0, 0, {1, 2, 3}});
  figure.bars.push_back({500, 200, 0.5, {40, 50, 60}});
  figure.color_bar = {"Colour", 0, 2, {{10, 20, 30}, {40, 50, 60}}, {}};
  const auto digest = [&](FigureFormat format) {
    const std::string bytes = draw_figure(figure, format).bytes;
    return sha256_hex(std::as_bytes(std::span(bytes)));
  };
  EXPECT_EQ(digest(FigureFormat::kSvg),
            "8cc59213fb69ab6400be5f7d6bce08f5fe773d78f165eafec321fa1eeec2a20c");
  EXPECT_EQ(digest(FigureFormat::kPng),
            "6b54c1fa6b4af7ffb2a94861c432e3cc5e53547c4fa0a78814dc113d85fbe4ac");
  EXPECT_EQ(digest(FigureFormat::kPdf),
            "d9dfe295ecd743468ce338fb58f5d96eb44c5bf52f0664b3d060089c6c821c03");
}

TEST(FigureDrawing, LabelsThatWouldTouchAreThinned) {
  Figure figure = small_figure();
  figure.x = {"Bucket", -0.5, 99.5, false, std::vector<Tick>()};
  for (int64_t i = 0; i < 100; ++i) {
    figure.x.ticks->push_back({static_cast<double>(i), std::to_string(i * 8192), i});
  }
  const std::string svg = draw_figure(figure, FigureFormat::kSvg).bytes;
  EXPECT_THAT(svg, HasSubstr(">0</text>"));
  EXPECT_THAT(svg, HasSubstr(">327680</text>"));  // 40 of 100
  EXPECT_THAT(svg, Not(HasSubstr(">8192</text>")));
  EXPECT_THAT(svg, Not(HasSubstr(">163840</text>")));  // 20
}

TEST(FigureDrawing, AnyTextGivesValidFiles) {
  Figure figure = small_figure();
  figure.title =
      "Line\nend, \x01 control, \xff bytes, \u2014 \u00e9 \u4e2d " + std::string(300, 'w');
  const std::string svg = draw_figure(figure, FigureFormat::kSvg).bytes;
  EXPECT_THAT(svg, HasSubstr(">Line end, ? control, ? bytes, \u2014 \u00e9 \u4e2d</text>"));
  EXPECT_THAT(draw_figure(figure, FigureFormat::kPng).bytes, StartsWith("\x89PNG"));
  EXPECT_THAT(draw_figure(figure, FigureFormat::kPdf).bytes, StartsWith("%PDF"));
}

TEST(FigureDrawing, AxesOfEveryLength) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {0, 1e-99}, {-1e100, 1e100}, {1e17, 1e17 + 1e6}, {0.5, 0.5 + 1e-12}, {-3, 1e18}}) {
    Figure figure = small_figure();
    figure.width_in = 8;
    figure.lines.clear();
    figure.x.low = figure.y.low = low;
    figure.x.high = figure.y.high = high;
    figure.x.label = "x";
    figure.color_bar = {"Colour", low, high, {{10, 20, 30}}, {}};
    EXPECT_THAT(draw_figure(figure, FigureFormat::kPng).bytes, StartsWith("\x89PNG")) << low;
  }
}

TEST(FigureDrawing, CellsBarsAndColorBar) {
  Figure figure = small_figure();
  figure.cells.push_back({0, 0, {1, 2, 3}});
  figure.bars.push_back({500, 100, 0.5, {4, 5, 6}});
  figure.color_bar = {"Colour", 0, 2, {{10, 20, 30}, {40, 50, 60}}, {}};
  const std::string svg = draw_figure(figure, FigureFormat::kSvg).bytes;
  for (const char* color : {"#010203", "#040506", "#0A141E", "#28323C"}) {
    EXPECT_THAT(svg, HasSubstr(fmt::format("fill=\"{}\"", color)));
  }
  EXPECT_THAT(svg, HasSubstr(">Colour</text>"));
}

TEST(FigureDrawing, FormatsByExtension) {
  EXPECT_EQ(figure_format("a/b.c/x.PNG"), FigureFormat::kPng);
  EXPECT_EQ(figure_format("x.svg"), FigureFormat::kSvg);
  EXPECT_EQ(figure_format("x.Pdf"), FigureFormat::kPdf);
  EXPECT_THROW(figure_format("x.jpg"), Error);
  EXPECT_THROW(figure_format("png"), Error);
}

class FigureFile : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("qk_figure_file_" + std::to_string(getpid()));
};

TEST_F(FigureFile, MakesItsFolder) {
  const std::filesystem::path path = folder_ / "a" / "b" / "figure.svg";
  write_figure(small_figure(), path);
  EXPECT_EQ(read_file(path), draw_figure(small_figure(), FigureFormat::kSvg).bytes);
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST_F(FigureFile, AFileInTheWay) {
  write_file(folder_ / "file", "x");
  EXPECT_THROW(write_figure(small_figure(), folder_ / "file" / "figure.svg"), Error);
}

}  // namespace
}  // namespace qk
