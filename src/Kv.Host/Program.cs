using Kv.Host;

return await HostCommand.RunAsync(args);
