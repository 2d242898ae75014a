#include "verify/certificate.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "formats/json.h"

namespace qk {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMaxBytes = size_t{1} << 20;

// To three digits: more would be noise.
double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

// Typed reads of one object; a failure names file and key.
class Reader {
 public:
  Reader(const json& object, std::string file) : object_(object), file_(std::move(file)) {}

  std::string string(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_string()) refuse(key, "a string");
    return it->get<std::string>();
  }
  double number(const char* key) const {
    const auto it = object_.find(key);
    const bool fits = it != object_.end() && it->is_number() && *it >= 0;
    if (!fits || !std::isfinite(it->get<double>())) refuse(key, "a number of at least 0");
    return it->get<double>();
  }
  Reader object(const char* key) const {
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_object()) refuse(key, "an object");
    return {*it, file_};
  }
  std::vector<IdentifiedFile> files() const {
    const auto list = object_.find("files");
    if (list == object_.end() || !list->is_array() || list->empty()) {
      refuse("model.files", "a list of files");
    }
    std::vector<IdentifiedFile> out;
    for (const json& item : *list) {
      if (!item.is_object()) refuse("model.files", "objects");
      const Reader file(item, file_);
      out.push_back(
          {file.string("name"), static_cast<int64_t>(file.number("bytes")), file.string("sha256")});
    }
    return out;
  }
  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    fail("{}: {}: expected {}, as `qkscope verify --certificate` writes it", file_, key, expected);
  }

 private:
  const json& object_;
  std::string file_;
};

}  // namespace

std::string certificate_json(const Verification& verification) {
  QK_CHECK(verification.passed());
  const VerifiedSite& worst = verification.worst();
  ordered_json files = ordered_json::array();
  for (const IdentifiedFile& file : verification.model_files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const std::string commit = build_commit();
  ordered_json out;
  out["format"] = kCertificateFormat;
  out["verdict"] = "passed";
  out["program"] = {{"version", version()},
                    {"commit", commit.empty() ? ordered_json(nullptr) : ordered_json(commit)}};
  out["model"] = {{"files", std::move(files)}};
  out["reference"] = {{"sha256", verification.reference_sha256},
                      {"transformers", verification.reference.transformers},
                      {"torch", verification.reference.torch},
                      {"dtype", "float32"},
                      {"tokens", verification.num_tokens},
                      {"compared_tokens", verification.num_rows},
                      {"ids_from_text", verification.ids_compared}};
  out["arrays"] = verification.sites.size();
  out["worst"] = {{"array", reference_name(worst.difference.layer, worst.difference.site)},
                  {"difference", rounded(worst.difference.ratio())},
                  {"allowed", rounded(worst.allowed)}};
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Certificate read_certificate(const std::filesystem::path& path) {
  Certificate out;
  out.file = path.string();
  const json object = parse_json(read_file(path, kMaxBytes), out.file);
  if (!object.is_object()) {
    fail("{}: expected a certificate of `qkscope verify`, found {}", out.file, object.type_name());
  }
  const Reader reader(object, out.file);
  if (reader.string("format") != kCertificateFormat) {
    reader.refuse("format", std::string(kCertificateFormat));
  }
  if (reader.string("verdict") != "passed") reader.refuse("verdict", "passed");
  out.model_files = reader.object("model").files();
  const Reader reference = reader.object("reference");
  const Reader worst = reader.object("worst");
  out.summary = fmt::format(
      "Queries and keys of this model were compared with transformers {} in float32 ({} tokens): "
      "the largest difference is {:.2g} of the largest value of its layer ({}), where {:.2g} is "
      "allowed. Reference SHA-256 {}.",
      printable(reference.string("transformers"), 40), reference.number("tokens"),
      worst.number("difference"), printable(worst.string("array"), 40), worst.number("allowed"),
      printable(reference.string("sha256"), 64));
  out.json = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return out;
}

void check_certificate(const Certificate& certificate, const std::vector<IdentifiedFile>& model) {
  const auto& files = certificate.model_files;
  for (size_t i = 0; i < std::max(files.size(), model.size()); ++i) {
    const std::string found = i < files.size() ? files[i].name + " " + files[i].sha256 : "nothing";
    const std::string ours = i < model.size() ? model[i].name + " " + model[i].sha256 : "nothing";
    if (found == ours) continue;
    fail(
        "{}: model.files: expected {}, which the model is read from, found {}: the certificate is "
        "for another model",
        certificate.file, printable(ours), printable(found));
  }
}

}  // namespace qk
