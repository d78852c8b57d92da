#!/usr/bin/env bash
# Runs the GPU kernels on a real device of TornadoVM: every instruction against the scalar device, on CUDA also
# products by tensor cores and cuBLAS, then a training run on plan-letters beside the CPU's, then generation on both.
#   TORNADOVM_HOME=… scripts/check-gpu.sh [DEVICE] [STEPS]     DEVICE: see ./ft devices (default opencl:0)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
: "${TORNADOVM_HOME:?names the folder of TornadoVM\'s SDK: see docs/gpu.md}"
device=${1:-opencl:0}
steps=${2:-100}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$root/ft" devices | tee "$out/devices"
awk -v id="$device" '$1 == id && id ~ /:/ && /; available$/ { found = 1 } END { exit !found }' "$out/devices" || {
  echo "$device is not available: name one of the devices above" >&2
  exit 2
}
(cd "$root" && mvn -q -B -pl gpu-kernels -am test -Dtest='Gpu*Test,TensorCore*Test,CuBlas*Test' \
  -Dft.test.device="$device" -Dsurefire.failIfNoSpecifiedTests=false)
echo "on $device every instruction agrees with the scalar device; a small model trains and writes as on the CPU, in" \
  "every precision"

train=(--config "$root/configs/plan-letters.yaml"
  --set "training.max_steps=$steps" --set training.log_every=1
  --set "training.save_every=$steps" --set "training.eval_every=$steps")
"$root/ft" train "${train[@]}" --device cpu --out "$out/cpu" --quiet
"$root/ft" train "${train[@]}" --device "$device" --out "$out/gpu" --quiet

# One number a line, of each step in turn.
losses() { grep -o '"loss":[^,]*' "$1/metrics.jsonl" | cut -d: -f2; }
paste <(losses "$out/cpu") <(losses "$out/gpu") | awk '
  { d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
  END {
    printf "%d steps: losses differ by at most %.2g\n", n, worst
    if (n == 0 || worst > 1e-3) { print "they may differ by 0.001" > "/dev/stderr"; exit 1 }
  }'

generate=(--prompt 'K>' --n 4 --max-tokens 64 --seed 1 --json)
tokens() { grep -o '"tokens" *: *\[[^]]*\]'; }
"$root/ft" generate --run "$out/cpu" "${generate[@]}" --device cpu | tokens > "$out/cpu.tokens"
"$root/ft" generate --run "$out/cpu" "${generate[@]}" --device "$device" | tokens > "$out/gpu.tokens"
cmp "$out/cpu.tokens" "$out/gpu.tokens"
echo "the same checkpoint writes the same tokens on $device as on the CPU"
