#include "ranks/run_over_ranks.h"

#include <new>
#include <utility>

#include "base/error.h"
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

}  // namespace

RanksEnd run_over_ranks(const PreparedRun& run, const RanksOptions& options, Transport& transport) {
  RunReport report;
  RankFacts facts = facts_here(run, options.run);
  if (!options.host.empty()) facts.room.host = options.host;
  CrewSides sides = sides_of(facts, options);
  sides.work = [&](Worker& worker) {
    try {
      RankWorker(run, options.run, worker).work();
    } catch (const std::bad_alloc&) {
      fail("not enough memory");
    }
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
  RunReport report;
  CrewSides sides = sides_of(faulty_rank(sentence), options);
  sides.work = [](Worker& worker) {
    while (worker.next_stage()) {
    }
  };
  if (transport.rank() == 0) sides.lead = [&](Leader& /*leader*/) -> int { throw Error(sentence); };
  return run_sides(sides, options, transport, report);
}

}  // namespace qk
