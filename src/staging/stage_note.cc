#include "staging/stage_note.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace qk {

using nlohmann::json;

std::string encode(const StageNote& note) {
  json copies = json::array();
  for (const StageNote::Copy& copy : note.copies) {
    copies.push_back({{"fd", copy.fd},
                      {"device", copy.stamp.device},
                      {"inode", copy.stamp.inode},
                      {"bytes", copy.stamp.bytes},
                      {"modified", copy.stamp.modified},
                      {"sha256", copy.sha256}});
  }
  const json out = {{"pid", note.pid},
                    {"copies", std::move(copies)},
                    {"error", note.error},
                    {"stopped", note.stopped}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

StageNote decode_stage_note(std::string_view text) {
  StageNote out;
  try {
    const json value = json::parse(text);
    out.pid = value.at("pid").get<int64_t>();
    out.error = value.at("error").get<std::string>();
    out.stopped = value.at("stopped").get<bool>();
    for (const json& copy : value.at("copies")) {
      out.copies.push_back({.fd = copy.at("fd").get<int>(),
                            .stamp = {.device = copy.at("device").get<uint64_t>(),
                                      .inode = copy.at("inode").get<uint64_t>(),
                                      .bytes = copy.at("bytes").get<int64_t>(),
                                      .modified = copy.at("modified").get<int64_t>()},
                            .sha256 = copy.at("sha256").get<std::string>()});
    }
  } catch (const json::exception& error) {
    fail("the first process of this node says nothing that can be read about staged weights: {}",
         error.what());
  }
  return out;
}

}  // namespace qk
