// Several threads on one part: whatever of it can be cut into pieces is done by all that have come.
//
// A pool may give fewer threads than it was asked for, or give them late, or one after the other: nobody waits for a
// thread that has not come. One thread leads and does all that cannot be cut; it hands out one round of pieces after
// the other, and does itself what no helper has taken.
#pragma once

#include <atomic>

#include "layer.h"

namespace edgernn {

class Team {
 public:
  static constexpr int kMostMembers = 16;

  // The leader counts as a member. Work is cut into one piece a member: of always the same weights, which stay in its
  // core's cache.
  void set_members(int members);

  // Calls work(job, 0, members) … work(job, members - 1, members), each once, and returns when all have ended. This and
  // `end` are the leader's alone.
  void share(PieceOfWork work, const void* job);
  // Sends the helpers home; must be called.
  void end();

  // Does piece `member`, from 1 on, of each round until the end.
  void help(int member);

 private:
  static constexpr uint64_t kEnded = UINT64_MAX;

  bool take(int member, uint64_t round);

  // Each on a line of the cache of its own, as one thread or another writes to it all the time.
  struct alignas(64) Piece {
    std::atomic<uint64_t> taken{0};  // the last round in which a thread has taken it
  };
  Piece pieces_[kMostMembers];
  alignas(64) std::atomic<uint64_t> round_{0};  // grows with each `share`
  PieceOfWork work_ = nullptr;                  // of the round; who has taken a piece may read both
  const void* job_ = nullptr;
  int members_ = 1;
  alignas(64) std::atomic<uint64_t> helped_{0};  // pieces that helpers have ended, of all rounds
  uint64_t expected_ = 0;                        // the leader's: what that will be
  bool all_came_ = false;                        // the leader's: whether helpers did all their pieces of the last round
};

}  // namespace edgernn
