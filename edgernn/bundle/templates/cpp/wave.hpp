// Reading .wav files of 16-bit samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace edge {

/// Samples between -1 and 1, the channels mixed.
struct Wave {
  std::vector<float> samples;
  double rate;
};

/// Throws std::invalid_argument where the file is something else.
Wave read_wave(const std::string& path);

}  // namespace edge
