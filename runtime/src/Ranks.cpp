//===- Ranks.cpp - Processes that run a model together --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Ranks.h"
#include "Sequence.h"
#include "sherry/support/Error.h"
#include "sherry/support/RankFile.h"
#include "sherry/support/Threads.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

using namespace sherry::runtime;

namespace {
enum class Command : uint32_t { End, MakeContext, DropContext, Run };

/// The first message of rank 0 for each command.
struct Header {
  Command command;
  uint32_t context;
  // For MakeContext:
  uint32_t pages, numThreads;
  // For Run:
  uint32_t numTokens, numLogits, numHidden, numSequences, tableStride;
  uint32_t numChanges;
};

/// The description that a rank sends of its part of a model.
struct Part {
  uint32_t abiVersion;
  sherry_abi_identity identity;
  char problem[512]; ///< zero-terminated; empty if there is none
};

/// The state that a rank other than 0 keeps for a context.
struct Followed {
  Followed(PagePool pool, const Model &model, uint32_t numThreads)
      : pool(std::move(pool)), workspace(model, numThreads),
        numThreads(numThreads) {}

  PagePool pool;
  Workspace workspace;
  uint32_t numThreads;
};

/// Makes the calls of rank 0.
class Follower {
public:
  Follower(Exchange &exchange, const Model &model)
      : exchange(exchange), model(model) {}

  /// Handles a command of rank 0; returns false after the last one.
  bool step();

private:
  void makeContext(const Header &header);
  void run(const Header &header);
  void checkCall(const Header &header, const PagePool &pool) const;

  Exchange &exchange;
  const Model &model;
  std::map<uint32_t, Followed> contexts;
  Call call;
  std::vector<int32_t> numbers; ///< the second message of a call
};
} // namespace

/// Throws Error unless `condition` holds for a message of rank 0.
static void require(bool condition, const char *what) {
  if (!condition)
    throw Error(std::string("rank 0 has sent a wrong message: ") + what);
}

//===----------------------------------------------------------------------===//
// All ranks
//===----------------------------------------------------------------------===//

/// Throws Error on all ranks, or on none; this rank is `here`.
static void checkParts(const std::vector<Part> &parts, uint32_t here) {
  const sherry_abi_identity &first = parts.front().identity;
  for (uint32_t rank = 0; rank < parts.size(); ++rank) {
    const Part &other = parts[rank];
    // The text may lack its terminating zero.
    const std::string problem(other.problem,
                              strnlen(other.problem, sizeof(other.problem)));
    const std::string name = "rank " + std::to_string(rank);
    const sherry_abi_identity &identity = other.identity;
    if (other.abiVersion != SHERRY_ABI_VERSION)
      throw Error(name + " has a runtime with ABI version " +
                  std::to_string(other.abiVersion) + ", others with " +
                  std::to_string(SHERRY_ABI_VERSION));
    if (!problem.empty())
      throw Error(rank == here ? problem : name + ": " + problem);
    if (identity.n_ranks != parts.size())
      throw Error(name + " has a part of a model that is cut among " +
                  std::to_string(identity.n_ranks) + " ranks; " +
                  std::to_string(parts.size()) + " are running");
    if (identity.rank != rank)
      throw Error(name + " has the part of rank " +
                  std::to_string(identity.rank));
    if (identity.file.code != first.file.code || identity.model != first.model)
      throw Error(name + " has a part of another model than rank 0");
  }
}

void Ranks::end() {
  isOver = true;
  exchange->end();
}

void Ranks::compare(const sherry_abi_identity &mine,
                    const std::string &problem) {
  Part part = {};
  part.abiVersion = SHERRY_ABI_VERSION;
  part.identity = mine;
  problem.copy(part.problem, sizeof(part.problem) - 1);
  std::vector<Part> parts(size());
  // Patient, because files may take long to read.
  exchange->allGather(&part, parts.data(), sizeof(part), /*isPatient=*/true);
  try {
    checkParts(parts, rank());
  } catch (...) {
    // All ranks throw.
    end();
    throw;
  }
}

std::shared_ptr<const Model> Ranks::open(const std::shared_ptr<Ranks> &ranks,
                                         const std::string &path,
                                         sherry_weights weights) {
  // The same on all ranks, because they make the same calls.
  if (std::exchange(ranks->hasModel, true))
    throw Error("the ranks that run a model cannot open another");
  std::shared_ptr<Model> model;
  std::string problem;
  try {
    model = std::make_shared<Model>(
        rankFileName(path, ranks->rank(), ranks->size()), weights);
    model->setRanks(ranks);
  } catch (const std::exception &error) {
    problem = error.what();
  }
  ranks->compare(model ? model->part() : sherry_abi_identity{}, problem);
  return model;
}

void Ranks::verify(const Model &model) {
  const std::lock_guard<std::mutex> lock(mutex);
  checkTogether();
  if (numContexts > 0)
    throw Error("weights must be verified before the first context is made");
  std::string problem;
  try {
    model.verify();
  } catch (const std::exception &error) {
    problem = error.what();
  }
  compare(model.part(), problem);
}

void Ranks::follow(const Model &model) {
  checkTogether();
  Follower follower(*exchange, model);
  while (follower.step())
    ;
  end();
}

//===----------------------------------------------------------------------===//
// Rank 0
//===----------------------------------------------------------------------===//

Ranks::~Ranks() {
  try {
    if (rank() == 0 && areTogether()) {
      Header header = {};
      exchange->broadcast(&header, sizeof(header));
      end();
    }
  } catch (const std::exception &) {
    // The other ranks are gone already.
  }
  exchange->leave(exitCode);
}

void Ranks::checkTogether() const {
  if (isOver || isBroken)
    throw Error("another rank is gone");
}

uint32_t Ranks::makeContext(const PagePool &pool, uint32_t numThreads) {
  const std::lock_guard<std::mutex> lock(mutex);
  checkTogether();
  Header header = {};
  header.command = Command::MakeContext;
  header.context = numContexts;
  header.pages = pool.size();
  header.numThreads = numThreads;
  isBroken = true;
  exchange->broadcast(&header, sizeof(header));
  isBroken = false;
  return numContexts++;
}

void Ranks::dropContext(uint32_t context) noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  if (isOver || isBroken)
    return;
  try {
    Header header = {};
    header.command = Command::DropContext;
    header.context = context;
    exchange->broadcast(&header, sizeof(header));
  } catch (const std::exception &) {
    isBroken = true;
  }
}

void RemoteContext::run(const Workspace &workspace, const Model &model,
                        const Call &call, PageTable table, int64_t numSequences,
                        PagePool &pool, Profile *profile) const {
  const std::lock_guard<std::mutex> lock(ranks->mutex);
  ranks->checkTogether();
  const std::vector<PageChange> changes = pool.neededChanges();
  Header header = {};
  header.command = Command::Run;
  header.context = number;
  header.numTokens = static_cast<uint32_t>(call.tokens.size());
  header.numLogits = static_cast<uint32_t>(call.numLogits);
  header.numHidden = static_cast<uint32_t>(call.numHidden);
  header.numSequences = static_cast<uint32_t>(numSequences);
  // Entries behind the last position are not read.
  const int32_t last =
      *std::max_element(call.positions.begin(), call.positions.end());
  header.tableStride =
      static_cast<uint32_t>(Sequence::pagesOf(static_cast<size_t>(last) + 1));
  header.numChanges = static_cast<uint32_t>(changes.size());
  std::vector<int32_t> numbers;
  for (const auto *list : {&call.tokens, &call.positions, &call.sequences})
    numbers.insert(numbers.end(), list->begin(), list->end());
  for (int64_t i = 0; i < numSequences; ++i) {
    const int32_t *row = table.entries + i * table.stride;
    numbers.insert(numbers.end(), row, row + header.tableStride);
  }
  for (const PageChange &change : changes)
    numbers.insert(numbers.end(), {change.page, change.source});
  // From here on, the other ranks make the call, so this rank must make it,
  // too.
  ranks->isBroken = true;
  ranks->exchange->broadcast(&header, sizeof(header));
  ranks->exchange->broadcast(numbers.data(), numbers.size() * sizeof(int32_t));
  pool.forgetChanges();
  workspace.run(model, call, table, pool.data(), numThreads, profile,
                ranks->exchange.get());
  ranks->isBroken = false;
}

//===----------------------------------------------------------------------===//
// Other ranks
//===----------------------------------------------------------------------===//

bool Follower::step() {
  Header header;
  exchange.broadcast(&header, sizeof(header));
  switch (header.command) {
  case Command::End:
    return false;
  case Command::MakeContext:
    makeContext(header);
    return true;
  case Command::DropContext:
    contexts.erase(header.context);
    return true;
  case Command::Run:
    run(header);
    return true;
  }
  require(false, "an unknown command");
  return false;
}

void Follower::makeContext(const Header &header) {
  const uint64_t size = checkedMultiply(
      SHERRY_ABI_PAGE_POSITIONS, model.abi().kv_bytes_per_position, "a page");
  require(header.numThreads <= SHERRY_ABI_MAX_THREADS, "the threads");
  // More pages cannot be used.
  const uint64_t pages = std::min<uint64_t>(
      header.pages,
      SHERRY_ABI_MAX_SEQUENCES * Sequence::pagesOf(model.abi().max_context));
  contexts.emplace(header.context,
                   Followed(PagePool(size, pages, "a context"), model,
                            limitThreads(std::max(header.numThreads, 1u))));
}

/// Checks all that the code of the model relies on.
void Follower::checkCall(const Header &header, const PagePool &pool) const {
  auto areBelow = [](const int32_t *begin, size_t count, int64_t limit) {
    return std::all_of(begin, begin + count, [&](int32_t number) {
      return number >= 0 && number < limit;
    });
  };
  const size_t n = header.numTokens;
  const int32_t *positions = numbers.data() + n, *sequences = positions + n;
  const int32_t *table = sequences + n;
  const size_t entries = size_t{header.numSequences} * header.tableStride;
  require(areBelow(numbers.data(), n, model.abi().vocab_size), "tokens");
  require(areBelow(positions, n,
                   std::min<int64_t>(model.abi().max_context,
                                     int64_t{header.tableStride} *
                                         SHERRY_ABI_PAGE_POSITIONS)),
          "positions");
  require(areBelow(sequences, n, header.numSequences), "sequences");
  require(areBelow(table, entries, pool.size()), "pages");
  for (uint32_t i = 0; i < header.numChanges; ++i) {
    const int32_t *change = table + entries + 2 * size_t{i};
    require(areBelow(change, 1, pool.size()) &&
                (change[1] == -1 || areBelow(change + 1, 1, pool.size())),
            "changes of pages");
  }
}

void Follower::run(const Header &header) {
  const auto found = contexts.find(header.context);
  require(found != contexts.end(), "an unknown context");
  PagePool &pool = found->second.pool;
  require(header.numTokens > 0 && header.numTokens <= model.maxBlock() &&
              header.numHidden <= header.numTokens &&
              header.numLogits <= header.numHidden,
          "the size of a block");
  require(header.numSequences <= SHERRY_ABI_MAX_SEQUENCES &&
              header.tableStride <= Sequence::pagesOf(model.abi().max_context),
          "the size of the page table");
  require(header.numChanges <= 2 * uint64_t{pool.size()},
          "the number of changes of pages");
  const size_t n = header.numTokens;
  const size_t entries = size_t{header.numSequences} * header.tableStride;
  numbers.resize(3 * n + entries + 2 * size_t{header.numChanges});
  exchange.broadcast(numbers.data(), numbers.size() * sizeof(int32_t));
  checkCall(header, pool);
  const int32_t *next = numbers.data();
  for (auto *list : {&call.tokens, &call.positions, &call.sequences}) {
    list->assign(next, next + n);
    next += n;
  }
  call.numLogits = header.numLogits;
  call.numHidden = header.numHidden;
  const PageTable table{next, header.tableStride};
  next += entries;
  for (uint32_t i = 0; i < header.numChanges; ++i, next += 2)
    pool.apply({next[0], next[1]});
  found->second.workspace.reserve(model, header.numLogits, header.numHidden);
  found->second.workspace.run(model, call, table, pool.data(),
                              found->second.numThreads, /*profile=*/nullptr,
                              &exchange);
}
