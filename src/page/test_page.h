// For tests only: folders with the tables of an analysis, and the data of a page as it is read.
#pragma once

#include <arrow/util/base64.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/test_folder.h"
#include "page/report_page.h"
#include "report/packed_text.h"

namespace qk {

inline constexpr std::string_view kTestBlank = "<body>@@QKSCOPE_DATA@@<script></script></body>";

// The data of a page, read by the specification: none of the writer's code is used but gunzip.
class ReadContainer {
 public:
  explicit ReadContainer(std::string bytes) : bytes_(std::move(bytes)) {
    uint32_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof length);
    json = nlohmann::json::parse(bytes_.substr(4, length));
    first_ = (4 + length + 7) / 8 * 8;
  }

  bool has(const std::string& table) const { return json["tables"].contains(table); }
  size_t num_rows(const std::string& table) const { return json["tables"][table]["rows"]; }
  const nlohmann::json& entry(const std::string& table, const std::string& column) const {
    return json.at("tables").at(table).at("columns").at(column);
  }
  std::string type(const std::string& table, const std::string& column) const {
    return entry(table, column)["type"];
  }
  std::vector<double> numbers(const std::string& table, const std::string& column) const {
    const std::string type_name = type(table, column);
    if (type_name == "u8") return items<uint8_t>(table, column);
    if (type_name == "u16") return items<uint16_t>(table, column);
    if (type_name == "u32") return items<uint32_t>(table, column);
    if (type_name == "i16") return items<int16_t>(table, column);
    if (type_name == "i32") return items<int32_t>(table, column);
    if (type_name == "f32") return items<float>(table, column);
    if (type_name == "f64") return items<double>(table, column);
    fail("unknown type {}", type_name);
  }
  std::vector<std::string> texts(const std::string& table, const std::string& column) const {
    std::vector<std::string> out;
    for (const double index : numbers(table, column)) {
      out.push_back(entry(table, column)["strings"].at(static_cast<size_t>(index)));
    }
    return out;
  }

  nlohmann::json json;  // the directory

 private:
  template <typename Item>
  std::vector<double> items(const std::string& table, const std::string& column) const {
    const size_t width = entry(table, column).value("width", size_t{1});
    const size_t count = num_rows(table) * width;
    const size_t at = first_ + entry(table, column)["at"].get<size_t>();
    if (at % 8 != 0 || at + count * sizeof(Item) > bytes_.size()) fail("column {} is cut", column);
    std::vector<double> out;
    for (size_t i = 0; i < count; ++i) {
      std::string item;
      for (size_t byte = 0; byte < sizeof(Item); ++byte) item += bytes_[at + byte * count + i];
      Item value;
      std::memcpy(&value, item.data(), sizeof value);
      out.push_back(static_cast<double>(value));
    }
    return out;
  }

  std::string bytes_;
  size_t first_ = 0;  // byte of the columns
};

// The bytes in a page's template of this id; empty if there is none.
inline std::string template_bytes(const std::string& html, const std::string& id) {
  const std::string open = "<template id=\"" + id + "\">";
  const size_t begin = html.find(open);
  if (begin == std::string::npos) return "";
  const size_t end = html.find("</template>", begin);
  const std::string packed =
      arrow::util::base64_decode(html.substr(begin + open.size(), end - begin - open.size()));
  return unpack_text(std::as_bytes(std::span(packed)), "page");
}

inline ReadContainer data_of(const ReportPage& page) {
  return ReadContainer(template_bytes(page.html, "data"));
}

// A folder with tables of some heads, as `qkscope analyze` writes them; tests change its files.
class TestAnalysis {
 public:
  // Heads in all layers; every query head has a key head of its own.
  explicit TestAnalysis(int layers = 2, int heads = 2, double shift = 0) {
    std::string metrics =
        "layer,q_head,k_head,n_q_tokens,n_k_tokens,d_model,q_R2_pos,q_resid0_ks_p,ap_overall\n";
    std::string details =
        "layer,q_head,k_head,method,q_bucket,k_bucket,q_from,q_to,k_from,k_to,queries,pairs,"
        "documents,ap_bucket,ci_low,ci_high,std_error,note\n";
    std::string cells = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n";
    std::string curves = "curve,heads,method,reach,bucket,ap_mean\nposition,all,bucket,,1,0.5\n";
    for (int layer = 0; layer < layers; ++layer) {
      for (int head = 0; head < heads; ++head) {
        const std::string id = fmt::format("{},{},{}", layer, head, head);
        const double ap = 0.1 + 0.01 * layer + 0.001 * head + shift;
        metrics += fmt::format("{},600,601,64,0.0471,1e-300,{}\n", id, ap);
        details += fmt::format("{},bucket,1,0,16,31,0,15,20,30,9,{},0.2,0.9,0.01,\n", id, ap);
        cells += fmt::format("{},1,0,{}\n", id, ap);
      }
    }
    write("head_metrics.csv", metrics);
    write("head_bucket_details.csv", details);
    write("head_bucket_plasticity.csv", cells);
    write("mean_curves.csv", curves);
    record = {{"program", "qkscope"},
              {"version", "0.1.0"},
              {"method", "bucket"},
              {"methods", {"bucket"}},
              {"vector", "post_rope"},
              {"configured",
               {{"dataset", "/home/jane doe/secret/smol"}, {"documents", {"letter to bob"}}}},
              {"dataset",
               {{"folder", "/home/jane doe/secret/smol"},
                {"model", "/models/of jane/SmolLM2.gguf"},
                {"num_layers", layers},
                {"num_q_heads", heads},
                {"num_k_heads", heads}}},
              {"documents", {{{"example_id", 77123}, {"document", "letter to bob"}}}},
              {"buckets", {{"type", "uniform"}, {"width", 16}}},
              {"tables",
               {{"heads", "head_metrics.csv"},
                {"details", "head_bucket_details.csv"},
                {"buckets", "head_bucket_plasticity.csv"},
                {"curves", "mean_curves.csv"},
                {"trends", "head_trends.csv"}}},
              {"heads",
               {{"measured", layers * heads},
                {"failed",
                 {{{"layer", 9},
                   {"q_head", 1},
                   {"k_head", 1},
                   {"reason", "/home/jane doe/secret/smol/l09h01q/data.parquet: is damaged"}}}}}}};
    write_record();
  }

  void write(std::string_view name, std::string_view text) const { folder_.write(name, text); }
  void write_record() const { folder_.write("head_metrics.csv.json", record.dump(1)); }
  void remove(std::string_view name) const { std::filesystem::remove(folder_ / name); }
  std::string read(std::string_view name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  const std::filesystem::path& path() const { return folder_.path(); }

  nlohmann::json record;

 private:
  TestFolder folder_;
};

inline ReportPage page_of(const TestAnalysis& analysis, const ReportOptions& options = {}) {
  const std::vector<std::filesystem::path> paths = {analysis.path()};
  return make_report_page(paths, options, kTestBlank);
}

inline ReportPage page_of(const TestAnalysis& a, const TestAnalysis& b,
                          const ReportOptions& options = {}) {
  const std::vector<std::filesystem::path> paths = {a.path(), b.path()};
  return make_report_page(paths, options, kTestBlank);
}

}  // namespace qk
