#include "page/latex_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "page/decoded_table.h"

namespace qk {
namespace {

constexpr std::array<const char*, 5> kMetrics = {"ap_overall", "position_share", "q_R2_pos",
                                                 "q_R2_scalar", "q_beta_norm"};

// With three digits.
std::string latex_number(double number) {
  std::string text = fmt::format("{:.2e}", number);
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;
  const char* power = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  int exponent = 0;
  std::from_chars(power, text.data() + text.size(), exponent);
  if (exponent >= -4 && exponent < 3) return fmt::format("{:.{}f}", number, 2 - exponent);
  return fmt::format("{} \\times 10^{{{}}}", text.substr(0, e), exponent);
}

std::string latex_cell(double value, double low, double high) {
  if (std::isnan(value)) return "--";
  if (std::isnan(low)) return fmt::format("${}$", latex_number(value));
  return fmt::format("${}\\;[{}, {}]$", latex_number(value), latex_number(low), latex_number(high));
}

std::string latex_name(std::string name) {
  for (size_t at = 0; (at = name.find('_', at)) != std::string::npos; at += 2)
    name.insert(at, "\\");
  return name;
}

bool has_column(const Table& table, std::string_view name) {
  return std::ranges::find(table.columns, name, &std::pair<std::string, Column>::first) !=
         table.columns.end();
}

}  // namespace

void add_latex_rows(Table& heads) {
  std::vector<std::string> rows;
  DecodedTable table(&heads);
  for (size_t row = 0; row < heads.num_rows; ++row) {
    std::string names = "% head";
    std::string cells =
        fmt::format("{}.{}", table.numbers("layer")[row], table.numbers("q_head")[row]);
    for (const std::string name : kMetrics) {
      if (!has_column(heads, name)) continue;
      names += " & " + latex_name(name);
      cells += " & " + latex_cell(table.numbers(name)[row], table.numbers(name + ":low")[row],
                                  table.numbers(name + ":high")[row]);
    }
    rows.push_back(fmt::format("{} \\\\\n{} \\\\", names, cells));
  }
  heads.columns.emplace_back("latex", text_column(rows));
}

}  // namespace qk
