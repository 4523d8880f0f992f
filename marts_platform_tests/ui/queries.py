"""The GraphQL that the UI's pages send, cut down to what the tests look at."""

from __future__ import annotations

LOCATION = """
query {
  workspaceOrError { ... on Workspace { locationEntries {
    loadStatus
    locationOrLoadError { __typename ... on PythonError { message } }
  } } }
}
"""

ASSET_GRAPH = """
query {
  assetNodes {
    assetKey { path }
    description
    owners { ... on TeamAssetOwner { team } ... on UserAssetOwner { email } }
    kinds
    groupName
    dependencyKeys { path }
    dependedByKeys { path }
    pools
    partitionDefinition { type }
    backfillPolicy { policyType maxPartitionsPerRun }
    internalFreshnessPolicy { __typename }
    targetingInstigators { ... on Sensor { name } ... on Schedule { name } }
    assetChecksOrError { ... on AssetChecks { checks { name description blocking } } }
    metadataEntries {
      label
      ... on TextMetadataEntry { text }
      ... on TableSchemaMetadataEntry { schema { columns { name type description } } }
    }
  }
}
"""

PARTITIONS = """
query($key: AssetKeyInput!, $days: [String!]) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    latestMaterializationByPartition(partitions: $days) {
      partition
      runId
      metadataEntries { label ... on IntMetadataEntry { intValue } }
    }
    assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } }
  } }
}
"""

CHECKS = """
query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetChecksOrError { ... on AssetChecks { checks {
      name
      executionForLatestMaterialization {
        runId
        status
        evaluation {
          success
          severity
          metadataEntries {
            label
            ... on IntMetadataEntry { intValue }
            ... on TextMetadataEntry { text }
          }
        }
      }
    } } }
  } }
}
"""

LAUNCH_RUN = """
mutation($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

LAUNCH_BACKFILL = """
mutation($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""

RUN = """
query($run: ID!) {
  runOrError(runId: $run) { ... on Run { runId status rootRunId tags { key value } } }
}
"""

# Oldest last.
RUNS = """
query($filter: RunsFilter!) {
  runsOrError(filter: $filter) { ... on Runs { results {
    runId status rootRunId tags { key value }
  } } }
}
"""

RUN_EVENTS = """
query($run: ID!) {
  logsForRun(runId: $run, limit: 1000) { ... on EventConnection { events {
    ... on MessageEvent { message }
    ... on EngineEvent { metadataEntries { label ... on TextMetadataEntry { text } } }
  } } }
}
"""

BACKFILL = """
query($backfill: String!) {
  partitionBackfillOrError(backfillId: $backfill) { ... on PartitionBackfill {
    status
    runs(limit: 100) { runId status rootRunId tags { key value } }
    assetBackfillData { assetBackfillStatuses { ... on AssetPartitionsStatusCounts {
      assetKey { path } numPartitionsTargeted numPartitionsMaterialized numPartitionsFailed
    } } }
  } }
}
"""

SENSOR = """
query($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState {
    id
    status
    ticks(limit: 100) { status skipReason runIds error { message } }
  } } }
}
"""

START_SENSOR = """
mutation($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename ... on Sensor { sensorState { id status } } }
}
"""

STOP_SENSOR = """
mutation($id: String!) { stopSensor(id: $id) { __typename ... on PythonError { message } } }
"""
