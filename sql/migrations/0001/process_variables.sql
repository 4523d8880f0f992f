-- The current value of each process variable: the change with the highest sequence_counter_.
CREATE TABLE camunda.process_variables (
    var_inst_id_ text COLLATE "C" NOT NULL, -- The variable instance.
    proc_inst_id_ text COLLATE "C", -- The process instance.
    execution_id_ text COLLATE "C", -- The execution that holds the variable; the process instance for a global one.
    name_ text COLLATE "C" NOT NULL, -- The variable's name.
    var_type_ text, -- The variable's type.
    text_ text, -- Value of a string; '' with text2_ = '!emptyString!' for an empty one.
    text2_ text, -- !emptyString! beside an empty string; the Java class of an object.
    long_ bigint, -- Value of an integer, long, short, date (milliseconds since 1970) or boolean (0 or 1).
    double_ double precision, -- Value of a double.
    json_ jsonb, -- Value of a json or object variable, decoded from its byte array.
    rev_ integer, -- The engine's revision of the variable at that change.
    sequence_counter_ bigint, -- Number of the change within the variable instance.
    time_ timestamptz NOT NULL, -- When that change was made (UTC).
    is_removed boolean NOT NULL, -- Whether that change removed the variable.
    detail_id_ text COLLATE "C" NOT NULL, -- The change in act_hi_detail that gives the value.
    PRIMARY KEY (var_inst_id_)
)
