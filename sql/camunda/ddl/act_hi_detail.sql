-- Every change of the wanted process variables as Camunda wrote it: act_hi_detail with the byte arrays beside it.
CREATE TABLE camunda.act_hi_detail (
    id_ text COLLATE "C" NOT NULL, -- Key of the change at the source.
    type_ text NOT NULL, -- VariableUpdate, or FormProperty for a submitted form field.
    proc_def_key_ text, -- Key of the process definition.
    proc_def_id_ text COLLATE "C", -- The process definition's version.
    root_proc_inst_id_ text COLLATE "C", -- The topmost process instance.
    proc_inst_id_ text COLLATE "C", -- The process instance.
    execution_id_ text COLLATE "C", -- The execution that held the variable.
    case_def_key_ text, -- Key of the case definition.
    case_def_id_ text COLLATE "C", -- The case definition's version.
    case_inst_id_ text COLLATE "C", -- The case instance.
    case_execution_id_ text COLLATE "C", -- The case execution.
    task_id_ text COLLATE "C", -- The user task that made the change.
    act_inst_id_ text COLLATE "C", -- The activity instance that made the change.
    var_inst_id_ text COLLATE "C", -- The variable instance; NULL for a FormProperty. Engines before 7.1: made of scope and name.
    name_ text COLLATE "C" NOT NULL, -- The variable's name.
    var_type_ text, -- The variable's type: string, json, object, long, null and so on.
    rev_ integer, -- The engine's revision of the variable.
    time_ timestamptz NOT NULL, -- When the change was made (UTC). It is set before the commit.
    bytearray_id_ text COLLATE "C", -- Key of the value in act_ge_bytearray.
    double_ double precision, -- Value of a double.
    long_ bigint, -- Value of an integer, long, short, date (milliseconds since 1970) or boolean (0 or 1).
    text_ text, -- Value of a string; digits of an integer or long.
    text2_ text, -- !emptyString! beside an empty string; the Java class of an object.
    sequence_counter_ bigint, -- Order of the changes of one variable instance, from 1.
    tenant_id_ text, -- The tenant.
    operation_id_ text COLLATE "C", -- The user operation.
    removal_time_ timestamptz, -- From when on the engine's clean-up may delete the row (UTC).
    initial_ boolean, -- Whether the value was set as its scope began.
    bytes_ bytea, -- The value's bytes of act_ge_bytearray, as they are.
    json_ jsonb GENERATED ALWAYS AS (camunda.json_of_bytes(var_type_, bytes_)) STORED, -- The bytes, decoded; NULL if they are not JSON in UTF-8.
    is_purged_ boolean NOT NULL DEFAULT false, -- Whether the engine's clean-up has deleted the row at the source; the mart keeps it.
    is_withdrawn_ boolean NOT NULL DEFAULT false -- Whether the row is gone at the source though no clean-up can have taken it: restored from a backup, or deleted by hand.
)
PARTITION BY RANGE (time_)
