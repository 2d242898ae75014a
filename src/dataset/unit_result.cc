#include "dataset/unit_result.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "dataset/run_owner.h"

namespace qk {
namespace {

using ResultJson = nlohmann::json;

ResultJson json_of(const HeadResult& head) {
  ResultJson counts = ResultJson::array();
  for (const auto& [bucket, rows] : head.bucket_counts) counts.push_back({bucket, rows});
  return {{"config", head.file.config},
          {"rows", head.file.rows},
          {"bytes", head.file.bytes},
          {"sha256", head.file.sha256},
          {"buckets", std::move(counts)}};
}

HeadResult head_of(const ResultJson& object) {
  HeadResult head;
  head.file.config = object.at("config").get<std::string>();
  head.file.rows = object.at("rows").get<int64_t>();
  head.file.bytes = object.at("bytes").get<int64_t>();
  head.file.sha256 = object.at("sha256").get<std::string>();
  for (const ResultJson& count : object.at("buckets")) {
    head.bucket_counts[count.at(0).get<int32_t>()] = count.at(1).get<int64_t>();
  }
  return head;
}

UnitResult result_of(const ResultJson& object) {
  UnitResult result;
  result.token = object.at("token").get<std::string>();
  for (const ResultJson& head : object.at("heads")) result.heads.push_back(head_of(head));
  for (const ResultJson& fact : object.at("buckets")) {
    result.buckets[fact.at(0).get<int32_t>()] = {
        fact.at(1).get<int64_t>(), fact.at(2).get<int64_t>(), fact.at(3).get<int64_t>()};
  }
  for (const ResultJson& canary : object.at("canaries")) {
    result.canaries[canary.at(0).get<int64_t>()] = canary.at(1).get<std::string>();
  }
  return result;
}

}  // namespace

std::string encode(const UnitResult& result) {
  ResultJson heads = ResultJson::array();
  for (const HeadResult& head : result.heads) heads.push_back(json_of(head));
  ResultJson buckets = ResultJson::array();
  for (const auto& [bucket, facts] : result.buckets) {
    buckets.push_back({bucket, facts.documents, facts.least_rows, facts.most_rows});
  }
  ResultJson canaries = ResultJson::array();
  for (const auto& [index, fault] : result.canaries) canaries.push_back({index, fault});
  const ResultJson object = {{"token", result.token},
                             {"heads", std::move(heads)},
                             {"buckets", std::move(buckets)},
                             {"canaries", std::move(canaries)}};
  return object.dump(-1, ' ', false, ResultJson::error_handler_t::replace);
}

UnitResult decode_unit_result(std::string_view text, std::string_view what) {
  const ResultJson object = ResultJson::parse(text, nullptr, false);
  try {
    if (object.is_object()) {
      UnitResult result = result_of(object);
      // It becomes part of a file's name.
      if (result.token.empty() || is_start_token(result.token)) return result;
    }
  } catch (const ResultJson::exception& exception) {
    fail("{}: the result of a writer is damaged: {}", what, printable(exception.what()));
  }
  fail("{}: the result of a writer is damaged", what);
}

}  // namespace qk
