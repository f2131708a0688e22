// Says what is in pictures: reads JPEG files, gives them to a classifier in one batch, prints the likeliest classes.

#include <tftrt/tftrt.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "jpeg.h"
#include "picture.h"

namespace {

constexpr std::int64_t kShown = 3;

constexpr char kUsage[] =
    "usage: classifier SAVED_MODEL LABELS PICTURE.jpg...\n\n"
    "The model takes one input, float32 [N, height, width, 3] with values from 0 to 1, and returns scores [N, "
    "classes].\n"
    "LABELS has a line for each class.\n";

std::vector<std::string> ReadLines(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

const tftrt::TensorSpec& CheckInput(const tftrt::Model& model) {
  const tftrt::TensorSpec& input = model.inputs().front();
  const bool fits = model.inputs().size() == 1 && input.dtype == tftrt::DType::kFloat32 && input.shape.size() == 4 &&
                    input.shape[1] > 0 && input.shape[2] > 0 && input.shape[3] == 3;
  if (!fits) throw std::runtime_error("expected one input of pictures, found " + tftrt::ToString(input));
  return input;
}

void Print(const std::string& file, const float* scores, std::int64_t classes, const std::vector<std::string>& labels) {
  std::vector<std::size_t> order(static_cast<std::size_t>(classes));
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto shown = order.begin() + std::min(kShown, classes);
  std::partial_sort(order.begin(), shown, order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
  std::printf("%s:", file.c_str());
  for (auto i = order.begin(); i != shown; ++i) {
    std::printf(" %s (%.3f)", *i < labels.size() ? labels[*i].c_str() : std::to_string(*i).c_str(), scores[*i]);
  }
  std::printf("\n");
}

int Classify(const std::string& path, const std::string& labels_file, const std::vector<std::string>& files) {
  const tftrt::Model model = tftrt::Model::Load(path);
  const tftrt::TensorSpec& spec = CheckInput(model);
  const std::vector<std::string> labels = ReadLines(labels_file);
  const int height = static_cast<int>(spec.shape[1]), width = static_cast<int>(spec.shape[2]);

  // The pictures are scaled into the memory that the GPU reads.
  tftrt::Runner runner = model.Bind({{spec.name, {static_cast<std::int64_t>(files.size()), height, width, 3}}});
  auto* target = runner.input(0).data<float>();
  for (const std::string& file : files) {
    classifier::Crop(classifier::ReadJpeg(file), height, width, 1.0f / 255, target);
    target += height * width * 3;
  }
  const auto begin = std::chrono::steady_clock::now();
  runner.Run();
  const std::chrono::duration<double, std::milli> duration = std::chrono::steady_clock::now() - begin;

  const tftrt::Tensor& scores = runner.output(0);
  const std::int64_t classes = scores.num_elements() / static_cast<std::int64_t>(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    Print(files[i], scores.data<float>() + static_cast<std::int64_t>(i) * classes, classes, labels);
  }
  std::fprintf(stderr, "%zu pictures in %.2f ms\n", files.size(), duration.count());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  try {
    return Classify(argv[1], argv[2], std::vector<std::string>(argv + 3, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "classifier: %s\n", error.what());
    return 1;
  }
}
