#include <string>
#include <utility>

#include "torch/errors.h"
#include "torch/taps.h"

namespace qk_torch {
namespace {

Moment taken(QkDevice& device, int64_t moment) {
  const auto found = device.moments.find(moment);
  if (found == device.moments.end()) {
    throw Failure("there is no moment " + std::to_string(moment));
  }
  Moment value = std::move(found->second);
  device.moments.erase(found);
  return value;
}

}  // namespace

int64_t mark(QkDevice& device) {
  Moment moment;
  if (device.on_host()) {
    moment.time = std::chrono::steady_clock::now();
  } else {
    // The default flag of torch is an event without times.
    moment.event.emplace(device.device.type(), c10::EventFlag::BACKEND_DEFAULT);
    moment.event->record(*device.compute);
  }
  device.moments.emplace(device.next_moment, std::move(moment));
  return device.next_moment++;
}

double seconds_between(QkDevice& device, int64_t begin, int64_t end) {
  const Moment first = taken(device, begin);
  const Moment last = taken(device, end);
  if (!first.event) return std::chrono::duration<double>(last.time - first.time).count();
  last.event->synchronize();
  return first.event->elapsedTime(*last.event) / 1000.0;
}

}  // namespace qk_torch
