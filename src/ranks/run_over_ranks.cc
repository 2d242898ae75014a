#include "ranks/run_over_ranks.h"

#include <utility>

#include "base/error.h"
#include "base/stopped.h"
#include "ranks/rank_facts.h"
#include "ranks/rank_leader.h"
#include "ranks/rank_worker.h"

namespace qk {
namespace {

CrewSides sides_of(const RankFacts& facts, const RanksOptions& options) {
  CrewSides sides;
  sides.hello = to_json(facts);
  sides.host = facts.room.host;
  sides.warn = options.run.warn;
  sides.stop = options.run.stop;
  sides.left = options.left;
  sides.in_hand = options.run.num_devices() + 1;
  return sides;
}

RanksEnd run_sides(const CrewSides& sides, const RanksOptions& options, Transport& transport,
                   RunReport& report) {
  const CrewEnd end = run_crew(transport, sides, options.times);
  return {.exit_code = end.exit_code,
          .all_left = end.all_left,
          .sentence = end.sentence,
          .report = std::move(report)};
}

// A rank without a run waits for the end of the others; on rank 0 `lead` ends them.
RanksEnd end_unprepared(const RankFacts& facts, const RanksOptions& options, Transport& transport,
                        const std::function<int(Leader&)>& lead) {
  RunReport report;
  CrewSides sides = sides_of(facts, options);
  sides.work = [](Worker& worker) {
    while (worker.next_stage()) {
    }
  };
  if (transport.rank() == 0) sides.lead = lead;
  return run_sides(sides, options, transport, report);
}

}  // namespace

RanksEnd run_over_ranks(const PreparedRun& run, const RanksOptions& options, Transport& transport) {
  RunReport report;
  RankFacts facts = facts_here(run, options.run);
  if (!options.host.empty()) facts.room.host = facts.room.node = options.host;
  if (!options.node.empty()) facts.room.node = options.node;
  CrewSides sides = sides_of(facts, options);
  sides.work = [&](Worker& worker) {
    RankWorker rank(run, options.run, worker);
    rank.work();
    if (worker.rank() != 0) report.must_overwrite = options.run.overwrite && !rank.has_journal();
  };
  if (transport.rank() == 0) {
    sides.lead = [&](Leader& leader) {
      const int code = RankLeader(run, options, leader, report).lead();
      return options.conclude ? options.conclude(report) : code;
    };
  }
  return run_sides(sides, options, transport, report);
}

RanksEnd refuse_over_ranks(const std::string& sentence, const RanksOptions& options,
                           Transport& transport) {
  return end_unprepared(faulty_rank(sentence), options, transport,
                        [&](Leader& /*leader*/) -> int { throw Error(sentence); });
}

RanksEnd stop_over_ranks(const RanksOptions& options, Transport& transport) {
  return end_unprepared(stopped_rank(), options, transport,
                        [](Leader& /*leader*/) -> int { throw Stopped(); });
}

}  // namespace qk
