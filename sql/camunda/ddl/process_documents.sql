-- One row a process instance: its attached documents and its context, each at its newest change.
CREATE TABLE camunda.process_documents (
    proc_inst_id_ text COLLATE "C" NOT NULL, -- The process instance.
    doc_id text COLLATE "C", -- doc.id of the first attached document; NULL if there is none.
    doc_ids text[] COLLATE "C" NOT NULL, -- doc.id of every attached document, in their order.
    attached_documents integer, -- How many documents the list has; more than doc_ids where one has no doc.id; NULL if docIds could not be read.
    context_data jsonb, -- The variable contextData; NULL if never set, removed or not JSON.
    time_ timestamptz NOT NULL, -- The newest change of either part (UTC).
    doc_ids_time_ timestamptz, -- When docIds last changed (UTC); NULL if never set.
    context_data_time_ timestamptz, -- When contextData last changed (UTC); NULL if never set.
    doc_ids_var_inst_id_ text COLLATE "C", -- The variable instance that gives docIds.
    doc_ids_sequence_ bigint, -- Number of the change of docIds within its variable instance.
    doc_ids_detail_id_ text COLLATE "C", -- The change in act_hi_detail that gives docIds.
    context_data_var_inst_id_ text COLLATE "C", -- The variable instance that gives contextData.
    context_data_sequence_ bigint, -- Number of the change of contextData within its variable instance.
    context_data_detail_id_ text COLLATE "C", -- The change in act_hi_detail that gives contextData.
    is_contested boolean NOT NULL, -- Whether several variable instances of the process bear one of the names (local variables).
    first_time_ timestamptz, -- No change of either part is older (UTC); NULL if that is not known, of rows before this column.
    contested_until_ timestamptz, -- The newest of the changes that compete in a contested row (UTC); else NULL.
    is_withdrawn boolean NOT NULL DEFAULT false, -- Whether a change that gives a part is withdrawn, as act_hi_detail.is_withdrawn_ says.
    PRIMARY KEY (proc_inst_id_)
)
