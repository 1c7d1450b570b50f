/**
 * Tables of the database `system` whose rows only administrators see: other users' queries, texts of errors with their values in them, paths, load. The engine
 * lets every role read that database and has no grant to change that, so row policies leave them empty. The others tell only what their reader may see.
 */

const OF_ADMINISTRATORS = (
  "asynchronous_inserts asynchronous_loader asynchronous_metrics azure_queue_metadata_cache azure_queue_settings background_schedule_pool backups certificates " +
  "clusters constraints database_replicas detached_parts detached_tables dimensional_metrics disks distributed_ddl_queue distribution_queue " +
  "dns_cache dropped_tables dropped_tables_parts errors events fail_points filesystem_cache filesystem_cache_settings grants histogram_metrics hypothetical_indexes " +
  "iceberg_files iceberg_history jemalloc_bins jemalloc_profile_text jemalloc_stats kafka_consumers macros masking_policies merges metrics models moves mutations " +
  "named_collections part_moves_between_shards processes projection_parts projection_parts_columns projections query_cache query_condition_cache " +
  "quota_limits quota_usage quotas quotas_usage remote_data_paths replicas replicated_fetches replicated_merge_tree_settings replication_queue resources " +
  "rocksdb role_grants roles row_policies s3_queue_settings s3queue_metadata_cache scheduler schema_inference_cache server_settings settings_profile_elements " +
  "settings_profiles stack_trace storage_policies symbols user_directories user_processes users view_refreshes warnings workloads"
).split(" ");

/** The view of the queries that a role's users see. */
export function queriesView(role: string): string {
  return `processes_of_${role}`;
}

/** The policies as the users file has them: below `<databases>`. */
export function systemPolicies(roles: readonly string[]): string {
  const policies = [
    ...OF_ADMINISTRATORS.map((table) => policy(table, ["admin"])),
    ...roles.map((role) => policy(queriesView(role), ["admin", role])),
  ];
  return `<system>${policies.join("")}</system>`;
}

/** `server`: what the server does itself, and views that are read with its rights. */
function policy(table: string, roles: readonly string[]): string {
  const names = [...roles, "server"].map((role) => `'${role}'`);
  return `<${table}><filter>hasAny(currentRoles(), [${names.join(", ")}])</filter></${table}>`;
}
