#!/bin/sh
# A sweep as jobs of a cluster: a whole Slurm on this machine, of one node, with
# its files in a folder. Needs root, and slurmctld, slurmd, Slurm's commands and
# munge. Prints TAP.
. "${srcdir:-.}/tests/kept.sh"

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
[ "$(id -u)" = 0 ] || skip 'only root can start a Slurm'
for program in slurmctld slurmd munged sbatch squeue scontrol scancel; do
    command -v $program >/dev/null || skip "$program is not installed"
done
[ -z "${MEMDIAL_SANITIZED-}" ] || skip 'sanitizers take memory of their own'

memdial=$(realpath "$memdial")
cluster=$folder/cluster
port=$((20000 + $$ % 20000))
host=$(hostname -s)
export SLURM_CONF=$cluster/slurm.conf

end_cluster() {
    scancel --me --signal=KILL --full
    scancel --me
    sleep 1
    for daemon in slurmctld slurmd munged; do
        [ -s "$cluster/run/$daemon.pid" ] &&
            kill "$(cat "$cluster/run/$daemon.pid")"
    done 2>/dev/null
}
trap 'end_cluster 2>/dev/null; kill -9 $begun 2>/dev/null; sleep 1
    rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

mkdir -p "$cluster/spool" "$cluster/state" "$cluster/log" "$cluster/run"
# Memory is sampled each second, and a job with too much is ended.
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$cluster/run/munge.socket
CryptoType=crypto/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/run/slurmctld.pid
SlurmdPidFile=$cluster/run/slurmd.pid
SlurmctldLogFile=$cluster/log/slurmctld.log
SlurmdLogFile=$cluster/log/slurmd.log
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
head -c 1024 /dev/urandom >"$cluster/munge.key"
chmod 400 "$cluster/munge.key"
chmod 755 "$folder" "$cluster" "$cluster/run"
node_is_idle() {
    sinfo --noheader --format=%T 2>/dev/null | grep -q idle
}
usual=$patience
patience=30
munged --force --key-file="$cluster/munge.key" \
    --socket="$cluster/run/munge.socket" --pid-file="$cluster/run/munged.pid" \
    --log-file="$cluster/log/munged.log" --seed-file="$cluster/run/seed" \
    2>/dev/null && slurmctld -f "$SLURM_CONF" 2>/dev/null &&
    slurmd -f "$SLURM_CONF" 2>/dev/null && eventually node_is_idle ||
    skip "no Slurm can be started here: $(tail -qn 1 "$cluster"/log/* |
        tr '\n' ' ')"
patience=$usual

# Twelve runs: nine of a second, and three that something happens to.
cat >"$folder/twelve.list" <<END
killed: epochs=150 sparsity=0.5
requeued: epochs=150
large: epochs=150 precision=bf16
END
for seed in 2 3 4 5 6 7 8 9 10; do
    echo "seed=$seed"
done >>"$folder/twelve.list"
twelve="--set batch=2 --set epoch_samples=60 --set valid_samples=2
    --set threads=1 --set epochs=5 --list $folder/twelve.list"

ends 0 sweep quick $twelve --name here --jobs 2 && says '12 done'
report $? 'the sweep without a cluster'

# What Slurm refuses is said, and the script is there.

ends 1 sweep quick $twelve --name there --slurm=--partition=none &&
    warns 'sbatch: ' && warns "$root/there/slurm.sh" &&
    PATH=/nowhere ends 1 sweep quick $twelve --name there --slurm
PATH=/nowhere "$memdial" sweep quick $twelve --name there --slurm \
    >"$out" 2>"$err"
[ $? = 1 ] && warns 'squeue' && warns 'without --slurm'
report $? 'without Slurm, or with a partition that is none: said'

# Jobs that wait go on without being watched, and are watched again.

begin /dev/null "$memdial" sweep quick $twelve --name there --slurm=--hold \
    --jobs 3
comes 'submitted 12 runs as job' &&
    job=$(sed -n 's/submitted 12 runs as job \([0-9]*\).*/\1/p' "$out") &&
    comes 'jobs wait in the queue: JobHeldUser' && kill "$begun"
wait_for_end
[ $? = 1 ] && says 'the jobs go on without being watched' &&
    [ "$(squeue --noheader --array | wc -l)" = 12 ]
report $? 'whoever ends the watch leaves the jobs'

# Of the twelve one process is killed, one job is put back into the queue, one
# has less memory than it takes, and one is cancelled.

task_runs() { # NUMBER
    squeue --noheader --array --states=RUNNING --format=%K | grep -qx "$1"
}
has_snapshot() { # RUN
    [ -s "$root/there/$1/snapshot.safetensors" ]
}
begin /dev/null "$memdial" sweep quick $twelve --name there --slurm --jobs 3
comes '12 runs are in the queue already' &&
    scontrol update "JobId=${job}_3" MinMemoryNode=2 && scancel "${job}_12" &&
    scontrol release "$job" && eventually has_snapshot requeued &&
    scontrol requeue "${job}_2" && comes 'BeginTime' &&
    scontrol update "JobId=${job}_2" StartTime=now &&
    eventually has_snapshot killed && kill -9 "$(sed -n \
        '1s/.*"pid":\([0-9]*\).*/\1/p' "$root/there/killed/events.jsonl")"
wait_for_end
[ $? = 1 ] && says 'requeued: done' &&
    says 'killed: failed: its job ended without a word; Slurm says FAILED' &&
    grep -q '  large: failed: .*memory limit' "$out" &&
    says ' seed=10: stopped' &&
    says '12 runs: 9 done, 1 stopped, 2 failed'
report $? 'jobs that are killed, requeued, too large and cancelled'

ends 0 runs list there --json && [ "$(lines_with '"state": "done"')" = 9 ] &&
    [ "$(lines_with '"state": "failed"')" = 2 ] &&
    [ "$(lines_with '"state": "empty"')" = 1 ] &&
    says '"trouble": "its job ended' &&
    [ "$(grep -c '"type":"start"' "$root/there/requeued/events.jsonl")" = 2 ]
report $? 'the table is whole, and says what failed'

ends 0 sweep quick $twelve --name there --slurm --retry &&
    says 'submitted 3 runs as job' && says '12 done'
for run in "$root"/there/*/; do
    cmp "${run}snapshot.safetensors" \
        "$root/here/$(basename "$run")/snapshot.safetensors" || break
done >>"$out" 2>&1 && ! says differ && ! says 'No such'
report $? 'tried again they have the bits of runs without a cluster'

# Memory: what a process takes beside its arena is measured, and runs that take
# much less than others ask for less.

printf 'small: batch=2\nmiddle: batch=4\nlarge: batch=400\n' \
    >"$folder/three.list"
three="--set epoch_samples=400 --set valid_samples=2 --set threads=1
    --set epochs=1 --list $folder/three.list"
asked() { # NUMBER: the MiB of so many runs
    sed -n "s/submitted $1 runs* as job .*, each with \([0-9]*\) MiB/\1/p" \
        "$out"
}
ends 0 sweep quick $three --name three --slurm && says '3 done' &&
    small=$(asked 2) && large=$(asked 1) && echo "# $small and $large MiB" &&
    [ "$small" -lt 100 ] && [ "$large" -gt 200 ] && [ "$large" -lt 400 ] &&
    grep -q 'measured in a run that was begun for it' "$root/three/slurm.sh" &&
    grep -q "^#SBATCH --mem=${large}M" "$root/three/slurm.sh"
report $? 'memory is asked for as it is measured, in classes'

ends 0 sweep quick $three --set epochs=2 --name one --jobs 2 \
    --slurm=--mem=600M && says 'submitted 3 runs as job' && says '3 done'
report $? 'with --mem, or with --jobs, it is one array'

echo "1..$count"
