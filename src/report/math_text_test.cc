#include "report/math_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "report/figure_drawing.h"

namespace qk {
namespace math_text_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Marks in a readable spelling.
std::string shown(std::string_view text) {
  std::string out = read_math(text).text;
  const std::array<std::pair<std::string_view, const char*>, 9> marks = {{{kSuperscript, "^("},
                                                                          {kSubscript, "_("},
                                                                          {kScriptEnd, ")"},
                                                                          {kBold, "<"},
                                                                          {kBoldEnd, ">"},
                                                                          {kThinSpace, "."},
                                                                          {kWideSpace, "#"},
                                                                          {kWordSpace, "~"},
                                                                          {kBase, "!"}}};
  for (const auto& [mark, spelling] : marks) {
    for (size_t at = out.find(mark); at != std::string::npos; at = out.find(mark)) {
      out.replace(at, mark.size(), spelling);
    }
  }
  return out;
}

TEST(MathText, DollarsAreCountedAsByMatplotlib) {
  EXPECT_EQ(shown("plain text"), "plain text");
  EXPECT_EQ(shown("costs $5"), "costs $5");
  EXPECT_EQ(shown("costs \\$5 or \\$6"), "costs $5 or $6");
  EXPECT_EQ(shown("$x$ costs \\$5"), "x costs $5");
  EXPECT_EQ(shown("$x$ and $"), "$x$ and $");
  EXPECT_EQ(shown("a $b$ c $d$"), "a b c d");
}

TEST(MathText, Notation) {
  EXPECT_EQ(shown("$R^2_{pos}$"), "R^(2)_(pos)");
  EXPECT_EQ(shown("$x_{i_{j}}^{a+b}$"), "x_(i_(j))^(a+b)");
  EXPECT_EQ(shown("${}^2H$"), "!^(2)H");
  EXPECT_EQ(shown("$x^a{}_b$"), "x^(a)!_(b)");
  EXPECT_EQ(shown("$\\beta t$"), "\u03B2t");
  EXPECT_EQ(shown("$\\Gamma\\alpha$"), "\u0393\u03B1");
  EXPECT_EQ(shown("$a \\leq b$"), "a.\u2264.b");
  EXPECT_EQ(shown("$a\\to b$"), "a.\u2192.b");
  EXPECT_EQ(shown("$-x$"), "\u2212x");
  EXPECT_EQ(shown("$f'(x)$"), "f\u2032(x)");
  EXPECT_EQ(shown("$\\mathbf{q}\\cdot\\mathrm{k}$"), "<q>.\u22C5.k");
  EXPECT_EQ(shown("$\\text{two words}\\quad\\mathit{x}\\,y$"), "two~words#x.y");
  EXPECT_EQ(shown("$\\frac{a+b}{2}$"), "(a.+.b)/2");
  EXPECT_EQ(shown("$\\sqrt{d} \\sqrt[3]{x}$"), "\u221Ad\u221Bx");
  EXPECT_EQ(shown("$\\hat{\\beta}$"), "\u03B2\u0302");
  EXPECT_EQ(shown("$\\log x, 1,000$"), "log.x,.1,000");
  EXPECT_EQ(shown("$\\mathbb{R}\\mathcal{L}$"), "\u211D\u2112");
  EXPECT_EQ(shown("$10^{-5}$"), "10^(\u22125)");
}

TEST(MathText, WhatCannotBeReadIsKeptAndNamed) {
  const auto notes = [](std::string_view text) { return read_math(text).notes; };
  EXPECT_EQ(shown("$\\foo{x}$ and $x^2$"), "$\\foo{x}$ and x^(2)");
  EXPECT_THAT(notes("$\\foo{x}$"),
              ElementsAre("$\\foo{x}$ is drawn as written: \\foo is not known"));
  EXPECT_THAT(notes("$x^a^b$"), ElementsAre(HasSubstr("double superscript")));
  EXPECT_THAT(notes("${x$"), ElementsAre(HasSubstr("an opening brace has no closing one")));
  EXPECT_THAT(notes("$x}$"), ElementsAre(HasSubstr("a closing brace has no opening one")));
  EXPECT_THAT(notes("$x^$"), ElementsAre(HasSubstr("something is missing")));
  EXPECT_THAT(notes("$" + std::string(500, '{') + "$"), ElementsAre(HasSubstr("nested")));
  EXPECT_THAT(notes("$\\mathfrak{g}$"), ElementsAre(HasSubstr("drawn in plain letters")));
  EXPECT_THAT(notes("$\\mathbb{1}$"), ElementsAre(HasSubstr("drawn in plain letters")));
  EXPECT_THAT(notes("$\\frac{a}{b}c$"), ElementsAre("\\frac is drawn on one line"));
  EXPECT_THAT(notes("$R^2$"), IsEmpty());
}

Figure labelled(const std::string& label) {
  Figure figure;
  figure.width_in = 6;
  figure.height_in = 4;
  figure.title = label;
  figure.x = {label, 0, 1000, true, {}};
  figure.y = {label, -1, 1, true, {}};
  figure.lines.push_back({{{0, -1}, {1000, 1}}, {255, 0, 0}, 0.5, 2});
  figure.legend.push_back({label, {255, 0, 0}, 2});
  figure.color_bar = {label, 0, 1, {{0, 0, 0}}, {}};
  return figure;
}

// The renderer measures every text; none may reach beyond the figure.
TEST(FigureLabels, NoneIsCutByTheEdge) {
  for (const std::string& word :
       {std::string("W"), std::string("position "), std::string("/models--meta-llama-"),
        std::string("\u4E2D\u6587"), std::string("\u0633\u0644\u0627\u0645 "),
        std::string("\u05E9\u05DC\u05D5\u05DD"), std::string("e\u0301o\u0308"),
        std::string("\U0001F600"), std::string("$x_{i}^{2}$"), std::string("$\\hat{\\beta}$ "),
        std::string("<&>\"']]>")}) {
    for (const size_t count : {1, 7, 40, 300}) {
      std::string label;
      for (size_t i = 0; i < count && label.size() + word.size() < 1000; ++i) label += word;
      const DrawnFigure drawn = draw_figure(labelled(label), FigureFormat::kSvg);
      EXPECT_THAT(drawn.notes, Not(testing::Contains(HasSubstr("cuts")))) << word << count;
    }
  }
}

TEST(FigureLabels, WhatDoesNotFitIsSaid) {
  const std::string word(160, 'a');
  EXPECT_THAT(draw_figure(labelled("Fits"), FigureFormat::kSvg).notes, IsEmpty());
  EXPECT_THAT(draw_figure(labelled(word + word + word + word), FigureFormat::kSvg).notes,
              testing::Contains("the x-axis label is too long: its end is not drawn"));
  EXPECT_THAT(draw_figure(labelled(std::string(1500, 'a')), FigureFormat::kSvg).notes,
              testing::Contains("the title is too long: only its first 1000 bytes are drawn"));
  EXPECT_THAT(draw_figure(labelled("\u4E2D"), FigureFormat::kPng).notes,
              ElementsAre("the built-in font lacks \u4E2D (U+4E2D): drawn as boxes"));
}

TEST(FigureLabels, NoncharactersAreReplaced) {
  const std::string label = "a\uFFFEb\uFFFFc\uFDD0d\U0001FFFEe\U0010FFFFf\uFFFDg";
  const std::string svg = draw_figure(labelled(label), FigureFormat::kSvg).bytes;
  EXPECT_THAT(svg, HasSubstr(">a?b?c?d?e?f\uFFFDg<"));
  EXPECT_THAT(draw_figure(labelled(label), FigureFormat::kPng).bytes,
              testing::StartsWith("\x89PNG"));
  EXPECT_THAT(draw_figure(labelled(label), FigureFormat::kPdf).bytes, testing::StartsWith("%PDF"));
}

}  // namespace math_text_test
}  // namespace qk
