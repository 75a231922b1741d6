//===- MpiPlugin.cpp - Exchanges over an MPI ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each two ranks exchange non-blocking messages, and poll for their completion:
// so a waiting rank can yield its processor, and can give up. Within a host,
// MPI copies through shared memory.
//
//===----------------------------------------------------------------------===//
#include "ExchangePlugin.h"

#include <mpi.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sched.h>
#include <string>
#include <system_error>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace {

/// Polls before a rank yields its processor between polls.
constexpr int kSpins = 2000;
/// Seconds after which a rank that waits for the next call sleeps between
/// polls.
constexpr double kAwake = 0.02;
/// The most seconds by which a rank may be late for an exchange.
constexpr double kMostLate = 300;
/// Seconds for MPI_Finalize.
constexpr int kMostFinal = 3;

MPI_Comm comm = MPI_COMM_NULL;
int rankHere = 0, numRanks = 1;
std::vector<MPI_Request> requests;
std::string text; ///< message of the last failure

int fail(const std::string &what) {
  text = what;
  return -1;
}

int failWith(int code) {
  char buffer[MPI_MAX_ERROR_STRING] = "";
  int size = 0;
  MPI_Error_string(code, buffer, &size);
  return fail("MPI: " + std::string(buffer, static_cast<size_t>(size)));
}

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

/// Waits for all requests. `isPatient`: without a limit, and sleeping.
int wait(bool isPatient) {
  double begin = 0;
  for (int64_t i = 0;; ++i) {
    int isDone = 0;
    const int code = MPI_Testall(static_cast<int>(requests.size()),
                                 requests.data(), &isDone, MPI_STATUSES_IGNORE);
    if (code != MPI_SUCCESS)
      return failWith(code);
    if (isDone)
      return 0;
    if (i < kSpins)
      continue;
    if (i == kSpins)
      begin = now();
    sched_yield();
    if (i % 64 != 0)
      continue;
    const double passed = now() - begin;
    if (isPatient && passed > kAwake) {
      const timespec nap = {0, passed > 1 ? 1'000'000 : 100'000};
      nanosleep(&nap, nullptr);
    }
    if (!isPatient && passed > kMostLate)
      return fail("another rank has not joined an exchange for " +
                  std::to_string(static_cast<int>(kMostLate)) +
                  " seconds; is it stopped or gone?");
  }
}

int checkSize(size_t bytes) {
  if (bytes > INT_MAX)
    return fail(std::to_string(bytes) +
                " bytes are more than a message may have; use a smaller block");
  return 0;
}

/// Starts requests one by one.
class Starter {
public:
  Starter() { requests.clear(); }
  void send(const void *data, size_t bytes, int to) {
    start([&](MPI_Request *request) {
      return MPI_Isend(data, static_cast<int>(bytes), MPI_BYTE, to, 0, comm,
                       request);
    });
  }
  void receive(void *data, size_t bytes, int from) {
    start([&](MPI_Request *request) {
      return MPI_Irecv(data, static_cast<int>(bytes), MPI_BYTE, from, 0, comm,
                       request);
    });
  }
  int finish(bool isPatient) const {
    return code == MPI_SUCCESS ? wait(isPatient) : failWith(code);
  }

private:
  template <typename Function> void start(Function function) {
    if (code != MPI_SUCCESS)
      return;
    MPI_Request request;
    code = function(&request);
    if (code == MPI_SUCCESS)
      requests.push_back(request);
  }

  int code = MPI_SUCCESS;
};

int join(uint32_t *rank, uint32_t *size) {
  int level = 0;
  int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level);
  if (code != MPI_SUCCESS)
    return failWith(code);
  if (level < MPI_THREAD_SERIALIZED)
    return fail("this MPI cannot be called from several threads");
  code = MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  if (code != MPI_SUCCESS)
    return failWith(code);
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm, &rankHere);
  MPI_Comm_size(comm, &numRanks);
  *rank = static_cast<uint32_t>(rankHere);
  *size = static_cast<uint32_t>(numRanks);
  return 0;
}

int allGather(const void *mine, void *all, size_t bytes, int isPatient) {
  if (checkSize(bytes) != 0)
    return -1;
  auto placeOf = [&](int rank) {
    return static_cast<char *>(all) + static_cast<size_t>(rank) * bytes;
  };
  Starter starter;
  // Each rank begins with a different one.
  for (int i = 1; i < numRanks; ++i) {
    const int from = (rankHere + numRanks - i) % numRanks;
    starter.receive(placeOf(from), bytes, from);
  }
  for (int i = 1; i < numRanks; ++i)
    starter.send(mine, bytes, (rankHere + i) % numRanks);
  std::memcpy(placeOf(rankHere), mine, bytes);
  return starter.finish(isPatient != 0);
}

int broadcast(void *data, size_t bytes) {
  if (checkSize(bytes) != 0)
    return -1;
  Starter starter;
  if (rankHere != 0)
    starter.receive(data, bytes, 0);
  else
    for (int rank = 1; rank < numRanks; ++rank)
      starter.send(data, bytes, rank);
  return starter.finish(/*isPatient=*/rankHere != 0);
}

/// MPICH 4.0 over UCX and TCP can wait in MPI_Finalize for ever, for a rank
/// that is ahead. After the barrier no rank needs another, so the process ends.
void leave(int exitCode) {
  static std::atomic<bool> isFinal = false;
  if (numRanks > 1) {
    requests.assign(1, MPI_REQUEST_NULL);
    if (MPI_Ibarrier(comm, requests.data()) != MPI_SUCCESS ||
        wait(/*isPatient=*/false) != 0)
      return; // a rank is gone; mpirun ends the others
    try {
      std::thread([exitCode] {
        const timespec time = {kMostFinal, 0};
        nanosleep(&time, nullptr);
        if (isFinal)
          return;
        std::fflush(nullptr);
        _exit(exitCode);
      }).detach();
    } catch (const std::system_error &) {
      // Then there is no time limit.
    }
  }
  MPI_Finalize();
  isFinal = true;
}

void abortAll(int code) { MPI_Abort(comm, code); }

const char *message() { return text.c_str(); }

} // namespace

extern "C" __attribute__((visibility("default")))
const sherry_exchange_functions *
sherry_exchange_plugin() {
  static const sherry_exchange_functions functions = {
      SHERRY_EXCHANGE_PLUGIN_VERSION,
      join,
      allGather,
      broadcast,
      leave,
      abortAll,
      message};
  return &functions;
}
