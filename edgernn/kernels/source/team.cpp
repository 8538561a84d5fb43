#include "team.h"

#include <thread>

namespace edgernn {
namespace {

// How often a leader looks whether its helpers have ended before it looks for pieces that they have not taken.
constexpr int kPatience = 100;
// How often a thread looks for another's work before it leaves the processor to others.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(_M_ARM64)
  asm volatile("yield");
#endif
}

class Wait {
 public:
  void once() {
    if (++times_ <= kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }

 private:
  int times_ = 0;
};

}  // namespace

void Team::set_members(int members) { members_ = members; }

// Memory order: what a round is made of comes with the acquisition of round_, and its results go with the release of
// helped_. As long as a piece of a round is not taken the leader stays in it, so that who takes one finds its work.
bool Team::take(int member, uint64_t round) {
  std::atomic<uint64_t>& taken = pieces_[member].taken;
  uint64_t last = taken.load(std::memory_order_relaxed);
  while (last < round) {  // it is above for a helper that has slept over the end of a round
    if (taken.compare_exchange_weak(last, round, std::memory_order_relaxed)) return true;
  }
  return false;
}

void Team::share(PieceOfWork work, const void* job) {
  work_ = work;
  job_ = job;
  const uint64_t round = round_.load(std::memory_order_relaxed) + 1;
  round_.store(round, std::memory_order_release);
  pieces_[0].taken.store(round, std::memory_order_relaxed);
  work(job, 0, members_);
  const uint64_t helpers = static_cast<uint64_t>(members_) - 1;
  const auto helped = [&] { return helped_.load(std::memory_order_acquire); };
  if (all_came_) {
    // They are at it: looking at what they have taken would take its line of the cache away from them.
    for (int times = 0; times < kPatience && helped() != expected_ + helpers; ++times) pause();
    if (helped() == expected_ + helpers) {
      expected_ += helpers;
      return;
    }
  }
  uint64_t left = 0;
  for (int member = 1; member < members_; ++member) {
    if (!take(member, round)) continue;
    work(job, member, members_);
    ++left;
  }
  all_came_ = left == 0;
  expected_ += helpers - left;
  for (Wait wait; helped() != expected_;) wait.once();
}

void Team::end() { round_.store(kEnded, std::memory_order_release); }

void Team::help(int member) {
  uint64_t last = 0;
  for (Wait wait;;) {
    const uint64_t round = round_.load(std::memory_order_acquire);
    if (round == kEnded) return;
    if (round == last) {
      wait.once();
      continue;
    }
    last = round;
    wait = Wait();
    if (!take(member, round)) continue;
    work_(job_, member, members_);
    helped_.fetch_add(1, std::memory_order_release);
  }
}

void share(Team& team, PieceOfWork work, const void* job) { team.share(work, job); }

}  // namespace edgernn
