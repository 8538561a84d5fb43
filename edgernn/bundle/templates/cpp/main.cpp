// @@title@@: values in, outputs out, as they come.
//
//   app -             one time step a line from standard input, values separated by blanks or commas
//   app sound.wav     a recording, where the model takes a waveform
//
// Options: --model NAME, --models DIR, --kernels LIBRARY, --threads N, --check (only check every model)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <sstream>

#include "golden.hpp"
#include "streams.hpp"
#include "wave.hpp"

namespace {

using edge::ModelSpec;
using edge::Stream;
using edge::TensorSpec;

struct Arguments {
  std::string input = "-";
  std::string model;
  std::filesystem::path models;
  edge::Options options;
  bool check = false;
};

Arguments read_arguments(int count, char** words) {
  Arguments given;
  given.models = std::filesystem::path(words[0]).parent_path() / "models";
  for (int index = 1; index < count; ++index) {
    const std::string word = words[index];
    const auto next = [&] {
      if (++index == count) throw std::invalid_argument(word + " needs a value");
      return std::string(words[index]);
    };
    if (word == "--check") {
      given.check = true;
    } else if (word == "--model") {
      given.model = next();
    } else if (word == "--models") {
      given.models = next();
    } else if (word == "--kernels") {
      given.options.kernels = next();
    } else if (word == "--threads") {
      given.options.threads = std::stoi(next());
    } else if (word.rfind("--", 0) == 0) {
      throw std::invalid_argument("unknown option " + word);
    } else {
      given.input = word;
    }
  }
  return given;
}

/// Where a value of a step stands in a flat array: the dimensions before time are the slow ones.
std::size_t place(const TensorSpec& spec, std::int64_t steps, std::int64_t step, std::int64_t value) {
  if (spec.time_dim < 0) return static_cast<std::size_t>(value);
  std::int64_t after = 1;
  for (std::size_t axis = static_cast<std::size_t>(spec.time_dim) + 1; axis < spec.shape.size(); ++axis) {
    after *= spec.shape[axis];
  }
  return static_cast<std::size_t>(((value / after) * steps + step) * after + value % after);
}

/// Prints outputs, one step a line, without the steps that come before an output's first one.
class Printer {
 public:
  explicit Printer(const ModelSpec& spec) : spec_(spec) {
    for (const TensorSpec& item : spec.outputs) left_.push_back(item.time_dim < 0 ? 0 : item.delay);
  }

  void show(const Stream& stream) {
    for (std::size_t index = 0; index < spec_.outputs.size(); ++index) {
      const TensorSpec& item = spec_.outputs[index];
      const std::int64_t width = edge::values_a_step(item);
      const auto size = static_cast<std::int64_t>(stream.output_size(index));
      const std::int64_t steps = item.time_dim < 0 || width == 0 ? 1 : size / width;
      for (std::int64_t step = 0; step < steps; ++step) {
        if (left_[index] > 0) {
          --left_[index];
          continue;
        }
        std::vector<double> values;
        for (std::int64_t value = 0; value < width; ++value) {
          values.push_back(edge::number_at(stream.output_data(index), item.type, place(item, steps, step, value)));
        }
        if (spec_.outputs.size() > 1) std::printf("%s\t", item.name);
        print(values, index);
      }
    }
    std::fflush(stdout);
  }

 private:
  void print(const std::vector<double>& values, std::size_t index) const {
    if (index == 0 && !spec_.labels.empty() && spec_.labels.size() == values.size()) {
      const auto best = static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
      std::printf("%s\t%.6g\n", spec_.labels[best], values[best]);
      return;
    }
    for (std::size_t at = 0; at < values.size(); ++at) std::printf(at == 0 ? "%.9g" : " %.9g", values[at]);
    std::printf("\n");
  }

  const ModelSpec& spec_;
  std::vector<std::int64_t> left_;
};

/// Lines of standard input, as many as a push takes at a time. A line holds the values of each input in turn; of an
/// input without time the last line counts.
void stream_lines(Stream& stream) {
  const ModelSpec& spec = stream.model().spec();
  const std::int64_t steps = spec.chunk != 0 ? spec.chunk : spec.hop;
  std::int64_t width = 0;
  std::vector<std::vector<std::max_align_t>> buffers;
  std::vector<const void*> inputs;
  for (const TensorSpec& item : spec.inputs) {
    width += edge::values_a_step(item);
    const auto values = static_cast<std::size_t>(edge::values_a_step(item) * (item.time_dim < 0 ? 1 : steps));
    buffers.emplace_back(values * edge::element_size(item.type) / sizeof(std::max_align_t) + 1);
  }
  for (auto& data : buffers) inputs.push_back(data.data());
  stream.prepare(steps);
  Printer printer(spec);
  std::int64_t waiting = 0;
  std::string line;
  for (std::int64_t number = 1; std::getline(std::cin, line); ++number) {
    std::replace(line.begin(), line.end(), ',', ' ');
    const std::string where = "line " + std::to_string(number);
    std::istringstream cells(line);
    std::vector<double> row;
    for (std::string cell; cells >> cell;) {
      std::size_t used = 0;
      row.push_back(std::stod(cell, &used));
      if (used != cell.size() || !std::isfinite(row.back())) {
        throw std::invalid_argument(where + " holds what is no finite number");
      }
    }
    if (row.empty()) continue;
    if (static_cast<std::int64_t>(row.size()) != width) {
      throw std::invalid_argument(where + " holds " + std::to_string(row.size()) + " values; a step takes " +
                                  std::to_string(width));
    }
    std::size_t from = 0;
    for (std::size_t index = 0; index < spec.inputs.size(); ++index) {
      const TensorSpec& item = spec.inputs[index];
      for (std::int64_t value = 0; value < edge::values_a_step(item); ++value, ++from) {
        edge::put_number(buffers[index].data(), item.type, place(item, steps, waiting, value), row[from]);
      }
    }
    if (++waiting == steps) {
      stream.push_all(inputs.data(), steps);
      printer.show(stream);
      waiting = 0;
    }
  }
  if (waiting != 0) {
    std::cerr << "note: the last " << waiting << " lines are no whole push of " << steps << "\n";
  }
}

/// A recording, a push at a time; silence fills the last one.
void stream_wave(Stream& stream, const std::string& path) {
  const ModelSpec& spec = stream.model().spec();
  const TensorSpec& item = spec.inputs.front();
  if (spec.inputs.size() != 1 || item.time_dim < 0 || edge::values_a_step(item) != 1 ||
      item.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    throw std::invalid_argument("this model takes no waveform; give lines of values");
  }
  edge::Wave wave = edge::read_wave(path);
  if (spec.sample_rate != 0 && wave.rate != spec.sample_rate) {
    throw std::invalid_argument(path + ": " + std::to_string(wave.rate) + " Hz; the model takes another rate");
  }
  const auto steps = static_cast<std::size_t>(spec.steps);
  wave.samples.resize((wave.samples.size() + steps - 1) / steps * steps);
  Printer printer(spec);
  for (std::size_t start = 0; start < wave.samples.size(); start += steps) {
    const void* inputs[] = {wave.samples.data() + start};
    stream.push_all(inputs, spec.steps);
    printer.show(stream);
  }
}

int run(int count, char** words) {
  const Arguments given = read_arguments(count, words);
  const std::vector<const ModelSpec*>& all = all_models();
  const ModelSpec* chosen = all.front();
  if (!given.model.empty()) {
    const auto found = std::find_if(all.begin(), all.end(), [&](auto* item) { return given.model == item->name; });
    if (found == all.end()) throw std::invalid_argument("--model: this app has no " + given.model);
    chosen = *found;
  }
  for (const ModelSpec* spec : all) {
    if (!given.check && spec != chosen) continue;
    const edge::Model model(*spec, given.models / spec->name, given.options);
    const double worst = edge::check_golden(model);
    std::fprintf(stderr, "%s: golden vectors pass, at most %.1f%% of the allowed difference\n", spec->name, 100 * worst);
    if (given.check) continue;
    Stream stream(model);
    if (given.input == "-") {
      stream_lines(stream);
    } else {
      stream_wave(stream, given.input);
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const edge::GoldenError& error) {
    std::cerr << "refused: " << error.what() << "\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 2;
  }
}
