#!/usr/bin/env bash
# Trains and exports the bundled family from nothing: data, target, draft, PRM. Resumes from checkpoints when run again.
# Needs Node ≥ 20 with the project's packages installed, and Python ≥ 3.11. Takes a few hours on two cores.
set -euo pipefail
cd "$(dirname "$0")"

if [ ! -d .venv ]; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet -r requirements.txt
fi
python=.venv/bin/python
# Fresh memory pages are costly; keep what was freed.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456

npx tsx make-data.ts 120000
$python train.py target
$python export.py target
npx tsx make-prm-data.ts
$python train.py draft
$python train.py prm
$python export.py draft prm
