import { runService } from '@causeway/runtime/service/service';
import { consoleSettings, startConsole } from './app/console.ts';

runService('console', consoleSettings, startConsole);
