-- The bytes of json, object, xml, file and bytes variables. No foreign key leads here: clean-up deletes on its own.
CREATE TABLE IF NOT EXISTS act_ge_bytearray (
    id_ varchar(64) NOT NULL,
    rev_ integer,
    name_ varchar(255),
    deployment_id_ varchar(64),
    bytes_ bytea,
    generated_ boolean,
    tenant_id_ varchar(64),
    type_ integer,
    create_time_ timestamp,
    root_proc_inst_id_ varchar(64),
    removal_time_ timestamp,
    PRIMARY KEY (id_)
)
