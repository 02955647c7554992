// A sweep for engines that others keep: an array job for Slurm, an Indexed Job for Kubernetes. Both run `weir sweep --shard` once a part and
// leave the parts in one folder, for `weir sweep merge`; neither knows more of a sweep than that.

import MeshConfiguration

/// A sweep to be handed on.
public struct SweepJob: Sendable {
  /// The scenario's name.
  public var name: String
  /// How many parts.
  public var shards: Int
  /// Flags of the user's own, such as `--set`, as they were given.
  public var flags: [String]

  /// A sweep of the scenario called `name` in so many parts.
  public init(name: String, shards: Int, flags: [String]) {
    self.name = name
    self.shards = shards
    self.flags = flags
  }

  /// A script for `sbatch`: one task a part. `program` and `file` are absolute paths that all nodes see, `out` is the results' folder.
  public func slurmScript(program: String, file: String, out: String) -> String {
    let words = [program, "sweep", "run", file, "--out", out] + flags
    return """
      #!/bin/sh
      #SBATCH --job-name=weir-\(name)
      #SBATCH --array=1-\(shards)
      #SBATCH --output=\(out)/\(name)/sweep-%a.log
      exec \(words.map(Self.shellWord).joined(separator: " ")) --jobs "${SLURM_CPUS_PER_TASK:-1}" --quiet --resume --shard "$SLURM_ARRAY_TASK_ID/\(shards)"

      """
  }

  /// What puts the parts together once all of them have ended, for `sbatch --wrap`.
  public func slurmMerge(program: String, out: String) -> String {
    [program, "sweep", "merge", "\(out)/\(name)"].map(Self.shellWord).joined(separator: " ")
  }

  /// A manifest for `kubectl apply`: the scenario in a ConfigMap, an Indexed Job with one completion a part, and a volume of the claim
  /// `claim` for the parts. `scenario` is the file's text.
  public func kubernetesManifest(image: String, claim: String, scenario: String) -> String {
    let label = "weir-" + name.lowercased().prefix(50)
    let words = ["sweep", "run", "/scenario/scenario.yaml", "--out", "/results"] + flags
    let command =
      "exec weir \(words.map(Self.shellWord).joined(separator: " ")) --quiet --resume "
      + "--shard \"$((JOB_COMPLETION_INDEX + 1))/\(shards)\""
    let text = scenario.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
    return """
      # \(shards) parts of the sweep \(name). When the job is complete: weir sweep merge RESULTS/\(name)
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: \(label)
      data:
        scenario.yaml: |2
      \(text.joined(separator: "\n"))
      ---
      apiVersion: batch/v1
      kind: Job
      metadata:
        name: \(label)
      spec:
        completionMode: Indexed
        completions: \(shards)
        parallelism: \(shards)
        backoffLimit: \(6 * shards)
        template:
          spec:
            restartPolicy: OnFailure
            containers:
              - name: weir
                image: \(FlowText.scalar(image, quoted: true))
                command: ["/bin/sh", "-c", \(FlowText.scalar(command, quoted: true))]
                resources:
                  requests: {cpu: "1", memory: 256Mi}
                volumeMounts:
                  - {name: scenario, mountPath: /scenario, readOnly: true}
                  - {name: results, mountPath: /results}
            volumes:
              - name: scenario
                configMap: {name: \(label)}
              - name: results
                persistentVolumeClaim: {claimName: \(FlowText.scalar(claim, quoted: true))}

      """
  }

  /// `text` as one word of a shell.
  static func shellWord(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/", "=", ":", ",", "%", "+", "@": true
        default: false
        }
      }
    return isPlain
      ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
