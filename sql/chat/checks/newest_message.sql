SELECT maxOrNull(created_at) AS newest
FROM chat_raw.messages
