"""The one code location: every domain's definitions, the resources attached once. No I/O at import."""

import dagster as dg

from marts_platform.alerts import failed_runs, untold_runs
from marts_platform.bionicpro import assets as bionicpro_assets
from marts_platform.bionicpro import checks as bionicpro_checks
from marts_platform.bionicpro.sensors import bionicpro_changes, bionicpro_nightly
from marts_platform.bionicpro.sources import CrmSource, TelemetrySource
from marts_platform.camunda import assets as camunda_assets
from marts_platform.camunda import checks as camunda_checks
from marts_platform.camunda.sensors import camunda_changes, camunda_nightly
from marts_platform.camunda.sources import CamundaSource
from marts_platform.chat import assets as chat_assets
from marts_platform.chat import checks as chat_checks
from marts_platform.chat.sensors import chat_messages, chat_schedule
from marts_platform.chat.sources import ChatSource
from marts_platform.core.mart import marts, source_assets
from marts_platform.delivery import checks as delivery_checks
from marts_platform.delivery import events as delivery_events
from marts_platform.delivery import metrics as delivery_metrics
from marts_platform.delivery.assets import dds as delivery_dds
from marts_platform.delivery.assets import marts as delivery_marts
from marts_platform.delivery.assets import ods as delivery_ods
from marts_platform.delivery.assets.replica import replica as delivery_replica
from marts_platform.delivery.ods_events import OdsEvents
from marts_platform.delivery.sensors import delivery_changes, delivery_nightly, delivery_replica_lag
from marts_platform.delivery.sources import DeliverySource
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.page.asset import report_asset, report_daily
from marts_platform.resources.kafka import KafkaSource
from marts_platform.shop import assets as shop_assets
from marts_platform.shop import events as shop_events
from marts_platform.shop.checks import CHECKS as SHOP_CHECKS
from marts_platform.shop.sensors import shop_changes, shop_nightly
from marts_platform.shop.sources import ShopSource

RESOURCES = {
    "postgres": PostgresIOManager(),
    "clickhouse": ClickHouseIOManager(),
    "mysql": MySQLIOManager(),
    "camunda": CamundaSource(),
    "chat": ChatSource(),
    "crm": CrmSource(),
    "telemetry": TelemetrySource(),
    "kafka": KafkaSource(topics={**shop_events.TOPICS, **delivery_events.TOPICS}),
    "delivery": DeliverySource(),
    "ods_events": OdsEvents(),
    "prometheus": delivery_metrics.MetricsSource(),
    "shop": ShopSource(),
}

defs = dg.Definitions(
    assets=[
        *dg.load_assets_from_modules(
            [
                bionicpro_assets,
                camunda_assets,
                chat_assets,
                delivery_ods,
                delivery_dds,
                delivery_marts,
                delivery_events,
                delivery_metrics,
                shop_assets,
                shop_events,
            ]
        ),
        delivery_replica,
        *source_assets(),
        report_asset(sorted(marts())),
    ],
    asset_checks=[
        *dg.load_asset_checks_from_modules(
            [bionicpro_checks, camunda_checks, chat_checks, delivery_checks, delivery_events, shop_events]
        ),
        *SHOP_CHECKS,
    ],
    sensors=[
        bionicpro_changes,
        camunda_changes,
        chat_messages,
        delivery_changes,
        delivery_replica_lag,
        delivery_events.delivery_events,
        delivery_metrics.delivery_metrics_changes,
        shop_changes,
        shop_events.shop_events,
        failed_runs,
        untold_runs,
    ],
    schedules=[
        bionicpro_nightly,
        camunda_nightly,
        chat_schedule,
        delivery_nightly,
        delivery_events.delivery_events_hourly,
        shop_events.shop_events_hourly,
        shop_nightly,
        report_daily,
    ],
    resources=RESOURCES,
    # In process: a run of a few SQL statements costs 8 s this way, and 30 s with a process a step.
    executor=dg.in_process_executor,
)
