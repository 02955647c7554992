// Which members vectors have. Whatever else one says, at the top or deep in it, may change what it means: when it does not hold, it is
// of an unknown shape and not failed.
//
// What a family reads it knows. The table has what is known besides: members that say nothing that is compared, or nothing in
// some vectors.

import TestVectors

enum KnownMembers {
  /// What says nothing that is compared.
  private static let common: Set<String> = ["derived", "id", "name", "note", "rule", "source", "verified_by_oracle"]

  /// The first member of a vector, at any depth, that was not read and that no vector of this kind of file is known to have.
  static func stranger(in vector: VectorValue, of file: VectorFile, _ reading: VectorReading) -> String? {
    let known = common.union(byFile[file.name] ?? [])
    func search(_ value: VectorValue) -> String? {
      switch value {
      case .list(let items): return items.lazy.compactMap(search).first
      case .map(let members):
        return members.sorted { $0.key < $1.key }.lazy.compactMap { key, value in
          if reading.hasSeen(key, of: members) { return search(value) }
          return known.contains(key) || isCounted(key) ? nil : key
        }.first
      default: return nil
      }
    }
    return search(vector)
  }

  /// Members whose names carry a number.
  private static func isCounted(_ key: String) -> Bool {
    ["expected_next", "expected_first", "next_", "expected_degraded_"].contains { key.hasPrefix($0) }
  }

  /// By the file's name.
  private static let byFile: [String: Set<String>] = [
    "edf": [
      "effective_picks", "expected", "iterations", "n", "peeks", "picks", "picks_seed", "seed", "steps", "weight",
      "weights", "weights_sets",
    ],
    "round_robin": [
      "expected", "expected_picks", "fail_traffic_on_panic", "healthy", "host_selection_retry_count", "hosts",
      "panic_threshold", "predicate", "random_always", "script", "seed", "then", "threshold", "weights",
    ],
    "least_request": [
      "active", "bias", "choice_count", "expected", "expected_effective_weight", "expected_percent", "expected_pick",
      "hosts", "picks", "randoms", "randoms_consumed", "requests", "rule", "script", "seed", "selection",
      "tolerance_percent", "weight", "weights",
    ],
    "slow_start": [
      "aggression", "elapsed_ms", "expected", "expected_factor", "expected_picks", "min_weight_percent", "seed",
      "weights_at_build", "weights_at_readd", "window_ms",
    ],
    "zone_aware": [
      "expected", "expected_per_zone", "force_local_zone_min_size", "local_cluster", "locality_basis",
      "min_cluster_size", "picks", "routing_enabled", "upstream", "upstream_first_is_local_zone",
    ],
    "locality_wrr": [
      "degraded_effective_weights", "effective_weights", "expected", "expected_counts", "expected_sequence",
      "first_pick_by_seed", "localities", "overprovisioning", "picks", "seed", "seeds", "weights",
    ],
    "client_side_wrr": [
      "eps", "error_utilization_penalty", "expected", "expected_weights", "hosts", "last_update_s", "max_last_update_s",
      "metric_names", "min_non_empty_since_s", "non_empty_since_s", "report", "rps_fractional", "utilization",
      "valid_weights", "weight",
    ],
    "retry_priority": [
      "expected", "original_degraded", "original_healthy", "panic_threshold", "priorities", "steps", "update_frequency",
    ],
    "retry_backoff": [
      "base_ms", "expected_ms", "max_ms", "min_interval_ms", "random", "randoms", "reset_interval_ms",
    ],
    "retry_budget": [
      "active_requests", "balance", "budget_percent", "count", "expected", "expected_max_retries", "expected_retries",
      "max", "min", "min_per_sec", "min_retry_concurrency", "ops", "pending_requests", "ratio", "requests",
      "tolerance", "ttl", "withdraw_results",
    ],
    "retry_conditions": [
      "by_grpc_status", "by_reason", "by_status", "facts", "retriable_status_codes", "retry_grpc_on", "retry_on",
      "steps", "with_x_envoy_ratelimited_503",
    ],
    "aggregate_cluster": [
      "expected_primary_for_random_below", "linear_degraded_load", "linear_healthy_load", "overprovisioning",
      "panic_threshold", "primary", "secondary", "tertiary",
    ],
    "weighted_cluster": ["cases", "clusters", "expected_counts", "header_name", "picks", "total", "values", "weights"],
    "hash": ["algorithm", "expected", "expected_seed1", "input", "input_hex", "inputs", "parts", "seed"],
    "priority_load": ["availability", "expected_healthy_load", "expected_panic", "panic_threshold", "priorities"],
    "peak_ewma": [
      "active", "all_costs_equal", "alpha", "costs", "default_rtt_ms", "expected_cost", "expected_ewma",
      "expected_fraction", "expected_index", "hosts", "old_ewma_ms", "penalty", "random", "rtt_ewma_ms", "sample_age_s",
      "sample_ms", "tau_s",
    ],
    "ring_hash": [
      "expected_error", "expected_picks", "expected_ring", "expected_stats", "first_ring_entries", "hash_function",
      "histogram", "hosts", "maximum_ring_size", "minimum_ring_size", "ring_xor_of_hashes", "steps", "weights",
    ],
    "maglev": [
      "entries_per_host", "expected_by_attempt", "expected_error", "expected_max_entries", "expected_min_entries",
      "expected_table", "hash", "hosts", "index_order", "sample", "table", "table_sha256_of_u8_indices", "table_size",
      "weights",
    ],
    "bounded_load": [
      "balance_factor", "default_overload_factor", "expected_host", "expected_order", "hash", "host_active", "n",
      "num_hosts", "overall_active", "overload_factor", "overload_factor_by_host", "primary_table", "seed", "slots",
      "total_slots", "weight",
    ],
    "adaptive_concurrency": [
      "buffer", "expected", "expected_gradient", "expected_new_limit", "expected_timer_ms", "jitter", "limit", "limits",
      "max_concurrency_limit", "min_concurrency", "min_rtt_interval_ms", "min_rtt_us", "random", "request_count",
      "sample_rtt_us", "sequences", "start",
    ],
    "admission_control": [
      "aggression", "exact_probability", "expected_probability", "max_rejection", "requests", "sr_threshold",
      "successes",
      "tolerance",
    ],
    "token_bucket": ["expected_ms", "fill_rate_per_s", "max_tokens", "script"],
    "choose_priority": ["degraded_load", "healthy_load", "picks"],
    "load_aware_locality": ["expected_shares", "expected_weights", "has_local_locality", "localities"],
    "update_merge_window": ["expected_deliveries_to_workers", "update_merge_window_ms", "updates"],
    "load_simulation": [
      "disabled_by_default", "healthy_per_zone", "hosts", "keys", "lb", "maglev_different", "max", "mean", "measures",
      "min", "min_ring_size", "optimal", "originating_hosts_per_zone", "population_stddev", "relative_stddev",
      "requests", "ring_different", "ring_size", "scenarios", "table_size", "upstream_hosts_per_zone", "weights",
    ],
    "runtime_fraction": [
      "denominator", "expected", "kind", "num_buckets", "numerator", "random", "random_consumed", "runtime_value",
      "value",
    ],
  ]
}
