#include "report/curve_check.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/number_text.h"
#include "base/path_text.h"

namespace qk {

void refuse_curve_of_others(const std::filesystem::path& table, const TableCurve& curve,
                            const std::vector<HeadCurve>& heads, const char* unit) {
  constexpr double kRounding = 1e-6;
  const auto fault = [&](const std::string& what) {
    fail("{}: belongs to another analysis than the heads: {}", path_text(table), what);
  };
  std::map<int64_t, std::pair<int64_t, double>> sums;  // number of heads, sum of their values
  for (const HeadCurve& head : heads) {
    for (const auto& [bucket, value] : head.curve) {
      ++sums[bucket].first;
      sums[bucket].second += value;
    }
  }
  if (curve.points.size() != sums.size()) {
    fault(fmt::format("expected a mean over {}, found {}", plural(std::ssize(sums), unit),
                      std::ssize(curve.points)));
  }
  for (const TablePoint& point : curve.points) {
    const auto [count, sum] = sums[point.bucket];
    const std::string place = fmt::format("{} {}", unit, point.bucket);
    if (count == 0 || (!std::isnan(point.num_heads) && point.num_heads != count)) {
      fault(fmt::format("{}: expected {}, found {:g}", place, plural(count, "head"),
                        point.num_heads));
    }
    const double mean = sum / static_cast<double>(count);
    if (!(std::abs(point.value - mean) <= kRounding)) {
      fault(fmt::format("{}: expected the mean {}, found {}", place, mean, point.value));
    }
  }
}

}  // namespace qk
